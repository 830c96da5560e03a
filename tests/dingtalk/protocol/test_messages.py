"""What a work notification may say, member by member."""

from typing import Any

import pytest

from dingtalk.protocol.messages import (
    MAX_MESSAGE_BYTES,
    MESSAGE_TYPES,
    Flaw,
    find_problems,
    has_status_bar,
    message_bytes,
)

BUTTON = {"title": "同意", "action_url": "https://app.example.com/yes"}
OA_BODY = {
    "title": "张三的请假",
    "form": [{"key": "天数", "value": "3"}],
    "rich": {"num": "3", "unit": "天"},
    "content": "回家",
    "image": "@lADOADmaWMzazQKA",
    "file_count": "1",
    "author": "张三",
}
GOOD: dict[str, dict[str, Any]] = {
    "text": {"content": "你好"},
    "image": {"media_id": "@lADOADmaWMzazQKA"},
    "voice": {"media_id": "@lADOADmaWMzazQKA", "duration": "59"},
    "file": {"media_id": "@lADOADmaWMzazQKA"},
    "link": {"messageUrl": "https://a.example", "picUrl": "@pic", "title": "标题", "text": "正文"},
    "oa": {
        "message_url": "https://a.example",
        "pc_message_url": "https://a.example",
        "head": {"bgcolor": "FFBBBBBB", "text": "请假"},
        "status_bar": {"status_value": "进行中", "status_bg": "0xFFF65E5E"},
        "body": OA_BODY,
    },
    "markdown": {"title": "标题", "text": "# 正文"},
    "action_card": {"title": "标题", "markdown": "正文", "single_title": "查看", "single_url": "https://a"},
}
BUTTONS = {"title": "标题", "markdown": "正文", "btn_orientation": "1", "btn_json_list": [BUTTON, BUTTON]}


def of(kind: str, **changes: Any) -> dict[str, Any]:
    """A good message of a type with changes; None takes a member out."""
    body = {name: value for name, value in {**GOOD[kind], **changes}.items() if value is not None}
    return {"msgtype": kind, kind: body}


def flaws(message: Any) -> list[tuple[str, Flaw]]:
    return [(problem.member, problem.flaw) for problem in find_problems(message)]


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_a_complete_message_of_each_type_may_be_sent(kind):
    assert find_problems(of(kind)) == []


def test_a_card_may_have_a_list_of_buttons():
    assert find_problems({"msgtype": "action_card", "action_card": BUTTONS}) == []


@pytest.mark.parametrize(
    ("kind", "member"),
    [(kind, member) for kind, body in GOOD.items() for member in body if kind not in ("oa", "action_card")]
    + [("oa", "message_url"), ("oa", "head"), ("oa", "body")]
    + [("action_card", name) for name in GOOD["action_card"]],
)
def test_a_member_that_is_missing_or_empty_is_named(kind, member):
    assert flaws(of(kind, **{member: None})) == [(f"{kind}.{member}", Flaw.REQUIRED)]
    assert flaws(of(kind, **{member: ""}))[0][0] == f"{kind}.{member}"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ([], ("", Flaw.NO_OBJECT)),
        ({}, ("msgtype", Flaw.REQUIRED)),
        ({"msgtype": "sticker"}, ("msgtype", Flaw.WRONG_VALUE)),
        ({"msgtype": ["text"]}, ("msgtype", Flaw.WRONG_VALUE)),
        ({"msgtype": "text"}, ("text", Flaw.REQUIRED)),
        ({"msgtype": "text", "text": "hello"}, ("text", Flaw.NO_OBJECT)),
        ({**of("text"), "markdown": {}}, ("markdown", Flaw.UNKNOWN)),
        (of("text", content=5), ("text.content", Flaw.NO_TEXT)),
        (of("text", Content="x"), ("text.Content", Flaw.UNKNOWN)),
        (of("voice", duration="60"), ("voice.duration", Flaw.WRONG_FORM)),
        (of("voice", duration=10), ("voice.duration", Flaw.NO_TEXT)),
        (of("oa", head={"bgcolor": "0xFFBBBBBB", "text": "a"}), ("oa.head.bgcolor", Flaw.WRONG_FORM)),
        (of("oa", body={"form": []}), ("oa.body.form", Flaw.REQUIRED)),
        (of("oa", body={"form": {"key": "a"}}), ("oa.body.form", Flaw.NO_LIST)),
        (of("oa", body={"form": [{"key": "a"}]}), ("oa.body.form.0.value", Flaw.REQUIRED)),
        (
            of("oa", status_bar={"status_value": "a", "status_bg": "red"}),
            ("oa.status_bar.status_bg", Flaw.WRONG_FORM),
        ),
        (of("action_card", single_title="二" * 21), ("action_card.single_title", Flaw.TOO_LONG)),
        (of("action_card", single_url="h" * 501), ("action_card.single_url", Flaw.TOO_LONG)),
        (of("action_card", btn_json_list=[BUTTON]), ("action_card", Flaw.EITHER_OR)),
        (of("action_card", single_title=None, single_url=None), ("action_card", Flaw.EITHER_OR)),
        (
            {"msgtype": "action_card", "action_card": {**BUTTONS, "btn_orientation": "2"}},
            ("action_card.btn_orientation", Flaw.WRONG_VALUE),
        ),
        (
            {"msgtype": "action_card", "action_card": {**BUTTONS, "btn_json_list": [BUTTON] * 20}},
            ("action_card.btn_json_list", Flaw.TOO_LONG),
        ),
    ],
)
def test_what_is_wrong_is_said_of_the_member(message, expected):
    assert flaws(message) == [expected]


def test_every_member_that_is_wrong_is_said():
    assert flaws(of("link", title=None, text=5)) == [
        ("link.title", Flaw.REQUIRED),
        ("link.text", Flaw.NO_TEXT),
    ]


def test_the_whole_is_measured_in_bytes_of_utf8_not_in_characters():
    room = MAX_MESSAGE_BYTES - message_bytes(of("text", content="a")) + 1

    assert find_problems(of("text", content="a" * room)) == []
    assert flaws(of("text", content="a" * (room - 1) + "张")) == [("", Flaw.TOO_LARGE)]


def test_a_status_bar_is_seen():
    assert has_status_bar(of("oa"))
    assert not has_status_bar(of("oa", status_bar=None))
    assert not has_status_bar(of("text"))
