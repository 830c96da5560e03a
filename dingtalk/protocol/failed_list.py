"""
Entries of the list of failed pushes, as the legacy push that they stand for.

An entry has three keys: `call_back_tag`, `event_time` and one named like the tag, whose value holds `corpid`
and either the event's own fields or one wrapper around them.

Source: open.dingtalk.com, "obtain-the-event-list-of-failed-push-messages"
"""

from collections.abc import Mapping
from typing import Any

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import CORP_ID_LENGTH, EVENT_TYPE_LENGTH
from dingtalk.protocol.fields import clean_text, first_of, read_identifier
from dingtalk.protocol.json_guard import canonical_json, read_json_object

_WRAPPERS = ("bpmsCallBackData", "roleLabelChange", "callbackData")
_CORP_ID_NAMES = ("corpid", "corpId", "CorpId", "AuthCorpId", "authCorpId")
_ROWS = "bizData"


def read_failed_entry(entry: Any, *, corp_id: str) -> bytes:
    """
    Return an entry as the message that `read_push` reads; `corp_id`: the company whose list it is in.

    What is no entry, or is about another company, becomes a message that cannot be read, and is kept as such.
    """
    try:
        return canonical_json(_legacy_push(entry, corp_id))
    except MalformedEvent as malformed:
        return canonical_json({"failed_list_entry": entry, "reason": str(malformed)})


def _legacy_push(entry: Any, corp_id: str) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise MalformedEvent("the entry is not an object")
    tag = entry.get("call_back_tag")
    if not isinstance(tag, str) or not tag or clean_text(tag, EVENT_TYPE_LENGTH) != tag:
        raise MalformedEvent("the entry has no tag")
    value = _object(entry.get(tag))
    fields = {**value, **_unwrapped(value)}
    _check_company([value, fields], corp_id)
    return {**fields, "EventType": tag, "TimeStamp": entry.get("event_time"), "CorpId": corp_id}


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    wrapped = first_of(value, *_WRAPPERS)
    return {} if wrapped is None else _object(wrapped)


def _object(value: Any) -> Mapping[str, Any]:
    """An object, or a text that holds one."""
    if isinstance(value, str):
        return read_json_object(value)
    if not isinstance(value, Mapping):
        raise MalformedEvent("the entry has no content under its tag")
    return value


def _check_company(objects: list[Mapping[str, Any]], corp_id: str) -> None:
    named = [each[name] for each in objects for name in _CORP_ID_NAMES if each.get(name)]
    for each in objects:
        rows = each.get(_ROWS) or []
        if not isinstance(rows, list):
            raise MalformedEvent("bizData is not a list")
        named += [row.get("corp_id") if isinstance(row, Mapping) else None for row in rows]
    if any(read_identifier(name, CORP_ID_LENGTH) != corp_id for name in named):
        raise MalformedEvent("the entry is about another organisation")
