"""How old an envelope says it is: seconds and milliseconds, and what is neither."""

import pytest

from dingtalk.protocol.freshness import is_fresh, read_timestamp

NOW = 1_783_610_513.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1783610513", 1_783_610_513.0), ("1783610513042", 1_783_610_513.042), ("999999999", 999_999_999.0)],
)
def test_a_timestamp_is_in_seconds_or_milliseconds(text: str, seconds: float):
    assert read_timestamp(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "59", "1783610513.0", "-1783610513", "١٧٨٣٦١٠٥١٣", "1" * 20, "1783 610513"]
)
def test_what_is_neither_is_no_time(text: str):
    assert read_timestamp(text) is None
    assert not is_fresh(text, now_seconds=NOW, window_seconds=10**9)


@pytest.mark.parametrize(
    ("offset", "fresh"), [(-300, True), (-301, False), (300, True), (301, False), (0, True)]
)
def test_the_window_reaches_into_the_past_and_the_future(offset: int, fresh: bool):
    for text in (str(int(NOW) + offset), str((int(NOW) + offset) * 1000)):
        assert is_fresh(text, now_seconds=NOW, window_seconds=300) is fresh
