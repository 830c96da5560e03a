from dingtalk.client.discipline.expiring import MAX_NAMES, Expiring


def test_what_is_kept_is_bounded_and_what_has_expired_goes_first():
    kept: Expiring[int] = Expiring()
    for number in range(MAX_NAMES):
        kept.put(f"old{number}", number, until=10.0, now=0.0)

    kept.put("new", 1, until=100.0, now=20.0)

    assert kept.names(now=0.0) == ("new",)


def test_when_nothing_has_expired_the_older_half_goes():
    kept: Expiring[int] = Expiring()
    for number in range(3 * MAX_NAMES):
        kept.put(str(number), number, until=10.0, now=0.0)

    assert len(kept.names(now=0.0)) <= MAX_NAMES
    assert kept.get(str(3 * MAX_NAMES - 1), now=0.0) == 3 * MAX_NAMES - 1
