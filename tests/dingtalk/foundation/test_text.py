import pytest

from dingtalk.foundation.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("杭州某某公司 Ltd. é", "杭州某某公司 Ltd. é"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("line\r\nforged", "line\\u000d\\u000aforged"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\x00\x1b[31m", "\\u0000\\u001b[31m"),
        ("lone \ud800", "lone \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("", ""),
    ],
)
def test_a_character_without_a_shape_is_escaped_and_others_stay(text, shown):
    assert visible(text) == shown
