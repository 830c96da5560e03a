"""What can be an id, and what cannot."""

import pytest

from tenants.identifiers import is_corp_id, is_permanent_code, is_suite_key


@pytest.mark.parametrize("corp_id", ["ding0123456789abcdef", "d", "D-1_2.3", "d" * 64])
def test_corp_ids(corp_id):
    assert is_corp_id(corp_id)


@pytest.mark.parametrize("text", ["", "d" * 65, "a/b", "a%b", "a b", "a\n", "\0", "\x7f", "企", "ａ"])
def test_no_corp_ids(text):
    assert not is_corp_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("suite~!1", True), ("s" * 128, True), ("s" * 129, False), ("a/b", False), ("", False)],
)
def test_suite_keys(text, expected):
    assert is_suite_key(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Ab/+%=", True), ("p" * 256, True), ("p" * 257, False), ("p q", False), ("", False)],
)
def test_permanent_codes(text, expected):
    assert is_permanent_code(text) == expected
