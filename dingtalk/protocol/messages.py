"""
What a work notification may say: the members of each message type, and the size of the whole.

DingTalk refuses some of what is wrong here, cuts some of it, and shows some of it as an empty card; so a
message is checked before it is sent. Source: "message-types-and-data-format",
"asynchronous-sending-of-enterprise-session-messages"
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_MESSAGE_BYTES = 2_048
MAX_STATUS_BAR_RECEIVERS = 5
STATUS_BACKGROUND = re.compile(r"0x[Ff]{2}[0-9A-Fa-f]{6}", re.ASCII)

_BACKGROUND = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_SECONDS = re.compile(r"[1-9]|[1-5][0-9]", re.ASCII)
_MAX_BUTTONS_LENGTH = 1_000
# Where no limit is documented the size of the whole message is one.
_UNLIMITED = MAX_MESSAGE_BYTES


class Flaw(StrEnum):
    """What can be wrong with a member of a message."""

    REQUIRED = "required"
    NO_OBJECT = "not_an_object"
    NO_LIST = "not_a_list"
    NO_TEXT = "not_a_text"
    TOO_LONG = "max_length"
    WRONG_VALUE = "invalid_choice"
    WRONG_FORM = "invalid"
    UNKNOWN = "unknown_member"
    EITHER_OR = "either_or"
    TOO_LARGE = "too_large"


@dataclass(frozen=True)
class MessageProblem:
    """
    One member that is wrong: its path as `oa.head.bgcolor` (empty for the message itself), and in what way.

    `expected` says what would be right, for people: a number, or the values that are known.
    """

    member: str
    flaw: Flaw
    expected: str = ""


Problems = Iterator[MessageProblem]
Check = Callable[[str, Any], Problems]


@dataclass(frozen=True)
class _Member:
    """A member of an object: how its value is checked, and whether it has to be there."""

    check: Check
    is_required: bool = True


def find_problems(message: Any) -> list[MessageProblem]:
    """
    Return what is wrong with a message, member by member; an empty list for one that may be sent.

    `message`: what a JSON reader gave. One that is too large is not looked into.
    """
    if not isinstance(message, Mapping):
        return [MessageProblem("", Flaw.NO_OBJECT)]
    if message_bytes(message) > MAX_MESSAGE_BYTES:
        return [MessageProblem("", Flaw.TOO_LARGE, str(MAX_MESSAGE_BYTES))]
    kind = message.get("msgtype")
    if kind is None:
        return [MessageProblem("msgtype", Flaw.REQUIRED)]
    if not isinstance(kind, str) or kind not in _BODIES:
        return [MessageProblem("msgtype", Flaw.WRONG_VALUE, ", ".join(_BODIES))]
    return list(_object({"msgtype": _Member(_text()), kind: _Member(_BODIES[kind])})("", message))


def message_bytes(message: Mapping[str, Any]) -> int:
    """Return the size of a message as UTF-8 JSON without spaces, which is what DingTalk limits to 2048."""
    return len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def has_status_bar(message: Mapping[str, Any]) -> bool:
    """Tell whether a message asks for a status bar, which only few receivers can have."""
    body = message.get("oa")
    return isinstance(body, Mapping) and "status_bar" in body


def _text(most: int = _UNLIMITED, *, form: re.Pattern[str] | None = None, expected: str = "") -> Check:
    def check(path: str, value: Any) -> Problems:
        if not isinstance(value, str):
            yield MessageProblem(path, Flaw.NO_TEXT)
        elif not value.strip():
            yield MessageProblem(path, Flaw.REQUIRED)
        elif len(value) > most:
            yield MessageProblem(path, Flaw.TOO_LONG, str(most))
        elif form is not None and not form.fullmatch(value):
            yield MessageProblem(path, Flaw.WRONG_FORM, expected)

    return check


def _choice(*values: str) -> Check:
    def check(path: str, value: Any) -> Problems:
        if value not in values:
            yield MessageProblem(path, Flaw.WRONG_VALUE, ", ".join(values))

    return check


def _object(members: Mapping[str, _Member]) -> Check:
    def check(path: str, value: Any) -> Problems:
        if not isinstance(value, Mapping):
            yield MessageProblem(path, Flaw.NO_OBJECT)
            return
        for name in value:
            if name not in members:
                yield MessageProblem(_below(path, str(name)[:100]), Flaw.UNKNOWN, ", ".join(members))
        for name, member in members.items():
            if name in value:
                yield from member.check(_below(path, name), value[name])
            elif member.is_required:
                yield MessageProblem(_below(path, name), Flaw.REQUIRED)

    return check


def _list(members: Mapping[str, _Member]) -> Check:
    def check(path: str, value: Any) -> Problems:
        if not isinstance(value, list):
            yield MessageProblem(path, Flaw.NO_LIST)
        elif not value:
            yield MessageProblem(path, Flaw.REQUIRED)
        else:
            for number, item in enumerate(value):
                yield from _object(members)(_below(path, str(number)), item)

    return check


def _card(path: str, value: Any) -> Problems:
    """An action card has one button that is all of it, or a list of buttons; never both, never neither."""
    is_single = isinstance(value, Mapping) and ("single_title" in value or "single_url" in value)
    has_list = isinstance(value, Mapping) and ("btn_json_list" in value or "btn_orientation" in value)
    if isinstance(value, Mapping) and is_single == has_list:
        yield MessageProblem(
            path, Flaw.EITHER_OR, "single_title, single_url / btn_orientation, btn_json_list"
        )
        return
    yield from _object({**_CARD, **(_SINGLE_BUTTON if is_single else _BUTTONS)})(path, value)


def _buttons(path: str, value: Any) -> Problems:
    problems = list(_list(_BUTTON)(path, value))
    yield from problems
    if not problems and len(json.dumps(value, ensure_ascii=False)) > _MAX_BUTTONS_LENGTH:
        yield MessageProblem(path, Flaw.TOO_LONG, str(_MAX_BUTTONS_LENGTH))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _optional(check: Check) -> _Member:
    return _Member(check, is_required=False)


_MEDIA = {"media_id": _Member(_text())}
_STATUS_BAR = {
    "status_value": _Member(_text()),
    "status_bg": _Member(_text(form=STATUS_BACKGROUND, expected="0xFFrrggbb")),
}
_HEAD = {"bgcolor": _Member(_text(form=_BACKGROUND, expected="FFrrggbb")), "text": _Member(_text())}
_FORM = {"key": _Member(_text()), "value": _Member(_text())}
_RICH = {"num": _Member(_text()), "unit": _Member(_text())}
_OA_BODY = {
    "title": _optional(_text()),
    "form": _optional(_list(_FORM)),
    "rich": _optional(_object(_RICH)),
    "content": _optional(_text()),
    "image": _optional(_text()),
    "file_count": _optional(_text()),
    "author": _optional(_text()),
}
_OA = {
    "message_url": _Member(_text()),
    "pc_message_url": _optional(_text()),
    "head": _Member(_object(_HEAD)),
    "status_bar": _optional(_object(_STATUS_BAR)),
    "body": _Member(_object(_OA_BODY)),
}
_CARD = {"title": _Member(_text()), "markdown": _Member(_text())}
_SINGLE_BUTTON = {"single_title": _Member(_text(20)), "single_url": _Member(_text(500))}
_BUTTON = {"title": _Member(_text()), "action_url": _Member(_text())}
_BUTTONS = {"btn_orientation": _Member(_choice("0", "1")), "btn_json_list": _Member(_buttons)}

_BODIES: dict[str, Check] = {
    "text": _object({"content": _Member(_text())}),
    "image": _object(_MEDIA),
    "voice": _object({**_MEDIA, "duration": _Member(_text(form=_SECONDS, expected="1 – 59"))}),
    "file": _object(_MEDIA),
    "link": _object({name: _Member(_text()) for name in ("messageUrl", "picUrl", "title", "text")}),
    "oa": _object(_OA),
    "markdown": _object({"title": _Member(_text()), "text": _Member(_text())}),
    "action_card": _card,
}
MESSAGE_TYPES = tuple(_BODIES)
