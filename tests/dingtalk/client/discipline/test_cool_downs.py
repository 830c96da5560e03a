import pytest

from dingtalk.client.discipline.scopes import Scope
from dingtalk.protocol.errors import HoldReason
from tests.dingtalk.client.discipline.gates import (
    PROBE_SECONDS,
    StillClock,
    held_back,
    refusal,
    request_of,
    still_gate,
)

SUITE, TENANT, API = Scope.SUITE, Scope.TENANT, Scope.API
EACH = SUITE | TENANT | API
OF_CODES = {
    "1111": Scope.EVERYTHING,
    "90001": Scope.EVERYTHING,
    "90002": API,
    "90007": TENANT,
    "90008": TENANT | API,
    "90009": Scope.EVERYTHING,
    "90010": API,
    "90011": SUITE,
    "90012": SUITE | API,
    "90013": SUITE | TENANT,
    "90014": EACH,
    "90018": EACH,
    "90019": EACH,
    "90020": TENANT,
    "45009": EACH,
}
OF_NAMES = {
    "QpsLimitForApi": API,
    "QpsLimitForAppkeyAndApi": SUITE | API,
    "QpsLimitForSuitekeyAndOrgAndApi": EACH,
    "QpmLimitForSuitekeyAndOrgAndApi": EACH,
    "QpsLimitForOrg": TENANT,
    "ApiCountLimitForOrg": TENANT,
    "QpsLimitForSuitekeyAndOrg": SUITE | TENANT,
    "QpsLimitForOrgAndApi": TENANT | API,
    "QpsLimitForSomethingNew": EACH,
}
CASES = [
    *(pytest.param({"code": code}, scope, id=code) for code, scope in OF_CODES.items()),
    *(
        pytest.param({"code": f"Forbidden.AccessDenied.{name}", "http_status": 403}, scope, id=name)
        for name, scope in OF_NAMES.items()
    ),
    pytest.param({"code": "88", "sub_code": "90007"}, TENANT, id="88-90007"),
    pytest.param({"code": "429", "http_status": 429}, EACH, id="429"),
]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.mark.parametrize(("said", "scope"), CASES)
def test_a_limit_lets_rest_what_it_is_about_and_nothing_else(clock, said, scope):
    gate = still_gate(clock)
    gate.note_limit(gate.admit(request_of()), refusal(**said))
    resting = set()

    for other in range(8):
        request = request_of(
            "/topapi/v2/user/get" if other & API else "/topapi/other",
            suite_key="suite1" if other & SUITE else "suite2",
            corp_id="ding1" if other & TENANT else "ding2",
        )
        if error := held_back(lambda request=request: gate.admit(request)):
            assert error.scope == scope.label
            resting.add(other)

    assert resting == {other for other in range(8) if other & scope == scope}


@pytest.mark.parametrize(
    ("code", "seconds", "reason"),
    [
        ("90018", 1, HoldReason.COOL_DOWN),
        ("90014", 60, HoldReason.COOL_DOWN),
        ("90001", 300, HoldReason.COOL_DOWN),
        ("1111", 300, HoldReason.IP_BAN),
    ],
)
def test_a_pause_lasts_as_long_as_the_limit_and_ends_by_itself(clock, code, seconds, reason):
    gate = still_gate(clock)
    gate.note_limit(gate.admit(request_of()), refusal(code))

    clock.now += seconds - 0.01
    error = held_back(lambda: gate.admit(request_of()))
    assert error is not None
    assert error.reason is reason
    assert error.ip_ban is (reason is HoldReason.IP_BAN)
    clock.now += 0.02
    assert held_back(lambda: gate.admit(request_of())) is None


def test_pauses_shortly_after_one_another_grow_to_a_minute_and_shrink_when_it_is_quiet(clock):
    gate = still_gate(clock)
    lengths = []
    for _ in range(8):
        error = refusal("90018")
        gate.note_limit(gate.admit(request_of()), error)
        lengths.append(error.retry_after_seconds)
        clock.now += lengths[-1] + 0.1

    clock.now += 60
    late = refusal("90018")
    gate.note_limit(gate.admit(request_of()), late)

    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60]
    assert late.retry_after_seconds == 1


def test_refusals_of_calls_that_were_under_way_together_are_one_pause(clock):
    gate = still_gate(clock)
    under_way = [gate.admit(request_of()) for _ in range(10)]

    for admission in under_way:
        gate.note_limit(admission, refusal("90018"))

    clock.now += 1.01
    assert held_back(lambda: gate.admit(request_of())) is None


def test_a_longer_pause_replaces_a_shorter_one_and_not_the_other_way_round(clock):
    gate = still_gate(clock)
    first, second, third = (gate.admit(request_of()) for _ in range(3))

    gate.note_limit(first, refusal("90018"))
    gate.note_limit(second, refusal("90014"))
    gate.note_limit(third, refusal("90018"))

    clock.now += 59
    assert held_back(lambda: gate.admit(request_of())) is not None


def test_a_pause_for_whom_no_one_knows_does_not_stop_everybody(clock):
    gate = still_gate(clock)
    nobody = request_of(suite_key="", corp_id="")

    gate.note_limit(gate.admit(nobody), refusal("90011"))

    assert held_back(lambda: gate.admit(nobody)) is not None
    assert held_back(lambda: gate.admit(request_of())) is None


def test_a_company_whose_monthly_quota_is_used_up_rests_for_a_day_and_is_asked_once_then(clock):
    gate = still_gate(clock)
    gate.note_limit(gate.admit(request_of()), refusal("90020"))
    clock.now += 86_399

    error = held_back(lambda: gate.admit(request_of("/topapi/other")))

    assert error is not None
    assert error.retry_after_seconds == pytest.approx(1)
    assert held_back(lambda: gate.admit(request_of(corp_id="ding2"))) is None
    clock.now += 1.01
    gate.note_limit(gate.admit(request_of()), refusal("90020"))
    assert held_back(lambda: gate.admit(request_of())).retry_after_seconds == pytest.approx(86_400)


def test_after_a_block_of_our_address_one_call_finds_out_whether_it_is_over(clock):
    gate = still_gate(clock)
    gate.note_limit(gate.admit(request_of()), refusal("1111"))
    clock.now += 301

    probe = gate.admit(request_of())
    waiting = held_back(lambda: gate.admit(request_of("/topapi/other", suite_key="suite2")))

    assert waiting is not None
    assert (waiting.ip_ban, waiting.retry_after_seconds) == (True, 1)
    gate.note_answer(probe)
    assert held_back(lambda: gate.admit(request_of("/topapi/other"))) is None
    assert held_back(lambda: gate.admit(request_of())) is None


def test_an_address_that_is_still_blocked_rests_as_long_again(clock):
    gate = still_gate(clock)
    gate.note_limit(gate.admit(request_of()), refusal("1111"))
    clock.now += 301
    gate.note_limit(gate.admit(request_of()), refusal("1111"))

    clock.now += 299

    assert held_back(lambda: gate.admit(request_of())) is not None
    clock.now += 2
    assert held_back(lambda: gate.admit(request_of())) is None
    assert held_back(lambda: gate.admit(request_of())) is not None


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another_one(clock):
    gate = still_gate(clock)
    gate.note_limit(gate.admit(request_of()), refusal("1111"))
    clock.now += 301
    gate.admit(request_of())
    assert held_back(lambda: gate.admit(request_of())) is not None

    clock.now += PROBE_SECONDS

    assert held_back(lambda: gate.admit(request_of())) is None
    assert held_back(lambda: gate.admit(request_of())) is not None
