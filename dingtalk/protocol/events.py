"""
Decrypted messages, read into typed events.

Two shapes come over HTTP. SyncHTTP: `{"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [row, ...]}`, each row
an event of its own. Legacy: one flat object per event. Callers see `SyncEvent` for both.

Source: open.dingtalk.com, "configure-synchttp-push", "development-data-format-help"
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.event_catalogue import name_of_biz_type
from dingtalk.protocol.fields import clean_text, first_of, first_text, read_identifier, read_int, read_time
from dingtalk.protocol.json_guard import MAX_DEPTH, MAX_JSON_BYTES, canonical_json, read_json_object

__all__ = [
    "Push",
    "PushedTicket",
    "SyncEvent",
    "UnreadableEvent",
    "clean_text",
    "is_latest_state",
    "read_push",
    "read_stored_data",
]

URL_CHECKS = frozenset({"check_url", "check_create_suite_url", "check_update_suite_url"})
SUITE_TICKET_BIZ_TYPE = 2
AUTHORIZATION_BIZ_TYPE = 4
APP_STATE_BIZ_TYPE = 7
COMPANY_BIZ_TYPE = 16

# Every one of them counts, not only the last.
_WITH_EFFECTS = (SUITE_TICKET_BIZ_TYPE, AUTHORIZATION_BIZ_TYPE, APP_STATE_BIZ_TYPE, COMPANY_BIZ_TYPE)
_SYNC_PREFIX = "SYNC_HTTP_PUSH_"
_EVENT_TYPE_NAMES = ("EventType", "eventType")
_TIME_NAMES = ("TimeStamp", "EventTime", "timeStamp", "timestamp", "eventTime")
_CORP_ID_NAMES = ("AuthCorpId", "authCorpId", "CorpId", "corpId")
# Our own text may be larger and deeper than the message: 1e15 becomes 1000000000000000.0.
_MAX_STORED_BYTES = 8 * MAX_JSON_BYTES
_MAX_STORED_DEPTH = MAX_DEPTH + 4
EVENT_TYPE_LENGTH = 100
CORP_ID_LENGTH = 64
_BIZ_ID_LENGTH = 128
_SUBSCRIBE_ID_LENGTH = 64
_EVENT_ID_LENGTH = 256
_TICKET_LENGTH = 1024
_LARGEST_BIZ_TYPE = 2**31 - 1


@dataclass(frozen=True)
class PushedTicket:
    """A suite ticket, with the platform's time of it where there is one."""

    ticket: str = field(repr=False)
    platform_time: datetime | None


@dataclass(frozen=True)
class SyncEvent:
    """
    One event, however it came.

    `event_type`, `corp_id`, `biz_id`, `subscribe_id`: empty when the message has none. `biz_type`: None for a
    legacy event. `platform_time`: aware UTC. `identity`: 64 hex characters, the same for every delivery.
    `data`: the parsed biz_data, or the legacy object. `body`: what to store, for `read_stored_data`.
    """

    event_type: str
    corp_id: str
    biz_type: int | None
    biz_id: str
    platform_time: datetime | None
    identity: str
    data: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    subscribe_id: str = ""


@dataclass(frozen=True)
class UnreadableEvent:
    """A part of an authentic push that is no event; kept as dead. `reason`: for people, without content."""

    identity: str
    body: bytes = field(repr=False)
    reason: str
    corp_id: str = ""


@dataclass(frozen=True)
class Push:
    """One decrypted message."""

    event_type: str
    message: bytes = field(repr=False)
    document: dict[str, Any] = field(repr=False)

    @property
    def is_url_check(self) -> bool:
        """Whether DingTalk only tests the callback URL: acknowledge, store nothing."""
        return self.event_type in URL_CHECKS

    @property
    def suite_key(self) -> str | None:
        """The suite key that a legacy event names, so that a foreign one can be refused; None without one."""
        return first_text(self.document, "SuiteKey", "suiteKey") or None

    @property
    def _is_sync(self) -> bool:
        return self.event_type.startswith(_SYNC_PREFIX)

    def tickets(self) -> list[PushedTicket]:
        """Return the suite tickets in this push; looks at nothing else, so it is cheap."""
        if self._is_sync:
            found = [_read_ticket_row(row) for row in self._rows()]
        elif self.event_type == "suite_ticket":
            found = [read_ticket(self.document, _document_time(self.document))]
        else:
            found = []
        return [ticket for ticket in found if ticket is not None]

    def events(self) -> list[SyncEvent | UnreadableEvent]:
        """Return every event in this push, in its order; none for a URL check."""
        if self.is_url_check:
            return []
        if not self._is_sync:
            return [_read_legacy(self.message, self.document, self.event_type)]
        if not isinstance(self.document.get("bizData"), list):
            return [_unreadable(self.document, "bizData is not a list")]
        return [_read_row(row) for row in self._rows()]

    def _rows(self) -> list[Any]:
        rows = self.document.get("bizData")
        return rows if isinstance(rows, list) else []


def read_push(message: bytes) -> Push:
    """Read a decrypted message; raises MalformedEvent unless it is a JSON object with an event type."""
    document = read_json_object(message)
    event_type = clean_text(first_text(document, *_EVENT_TYPE_NAMES), EVENT_TYPE_LENGTH)
    if not event_type:
        raise MalformedEvent("the message has no event type")
    return Push(event_type=event_type, message=message, document=document)


def read_stored_data(body: bytes) -> dict[str, Any]:
    """
    Return the `data` of the event whose `body` was stored; of an unreadable one, what came of it.

    Raises MalformedEvent when the bytes are not such a body.
    """
    document = read_json_object(body, max_bytes=_MAX_STORED_BYTES, max_depth=_MAX_STORED_DEPTH)
    data = document.get("data")
    return data if isinstance(data, dict) else document


def is_latest_state(biz_type: int | None) -> bool:
    """
    Whether a newer event for the same (corp, biz_type, biz_id) replaces an unhandled older one.

    Not so for authorisations, app states and companies, because a relieve, a stop or a dissolution in between
    has effects; not for tickets and legacy events, which are no states of an object.
    """
    return biz_type is not None and biz_type not in _WITH_EFFECTS


class _Unreadable(Exception):
    """Carries the reason up to where the row is known."""


def _read_row(row: Any) -> SyncEvent | UnreadableEvent:
    if not isinstance(row, dict):
        return _unreadable(row, "a row is not an object")
    try:
        return _read_sync_event(row)
    except _Unreadable as unreadable:
        return _unreadable(row, str(unreadable), corp_id=clean_text(row.get("corp_id"), CORP_ID_LENGTH))


def _read_sync_event(row: dict[str, Any]) -> SyncEvent:
    data = _read_biz_data(row.get("biz_data"))
    corp_id = _identifier(row, "corp_id", CORP_ID_LENGTH)
    biz_id = _identifier(row, "biz_id", _BIZ_ID_LENGTH)
    biz_type = read_int(row.get("biz_type"), largest=_LARGEST_BIZ_TYPE)
    if biz_type is None:
        raise _Unreadable("biz_type is not a number")
    if not names_only(data, corp_id):
        raise _Unreadable("the row and auth_corp_info name different organisations")
    rest = {name: value for name, value in row.items() if name != "biz_data"}
    return SyncEvent(
        event_type=_row_event_type(data, biz_type),
        corp_id=corp_id,
        biz_type=biz_type,
        biz_id=biz_id,
        platform_time=read_time(row.get("gmt_modified")) or _document_time(data),
        identity=_event_id_identity(data)
        or _identity("row", [corp_id, biz_type, biz_id, _comparable(row.get("gmt_modified")), data]),
        data=data,
        body=canonical_json({"row": rest, "data": data}),
        subscribe_id=clean_text(row.get("subscribe_id"), _SUBSCRIBE_ID_LENGTH),
    )


def _row_event_type(data: Mapping[str, Any], biz_type: int) -> str:
    """Some samples of biz types 17, 63 and 66 have no syncAction; some have no name at all."""
    named = clean_text(first_text(data, "syncAction", "eventType", "EventType"), EVENT_TYPE_LENGTH)
    return named or name_of_biz_type(biz_type)


def _read_legacy(message: bytes, document: dict[str, Any], event_type: str) -> SyncEvent | UnreadableEvent:
    corp_ids = {
        read_identifier(document[name], CORP_ID_LENGTH) for name in _CORP_ID_NAMES if document.get(name)
    }
    if None in corp_ids or len(corp_ids) > 1:
        return _unreadable(document, "the event names several organisations, or one that cannot be")
    biz_id = first_of(document, "BizId", "bizId")
    return SyncEvent(
        event_type=event_type,
        corp_id=next(iter(corp_ids), None) or "",
        biz_type=None,
        biz_id=read_identifier(biz_id, _BIZ_ID_LENGTH) or "",
        platform_time=_document_time(document),
        identity=_event_id_identity(document) or hashlib.sha256(message).hexdigest(),
        data=document,
        body=canonical_json({"data": document}),
    )


def _read_biz_data(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise _Unreadable("biz_data is neither a text nor an object")
    try:
        return read_json_object(value)
    except MalformedEvent as malformed:
        raise _Unreadable(f"biz_data: {malformed}") from None


def _identifier(row: Mapping[str, Any], name: str, max_length: int) -> str:
    identifier = read_identifier(row.get(name), max_length)
    if identifier is None:
        raise _Unreadable(f"{name} is not an identifier")
    return identifier


def names_only(data: Mapping[str, Any], corp_id: str) -> bool:
    """Whether no grant inside the row is that of another organisation than the row's."""
    profile = first_of(data, "auth_corp_info", "authCorpInfo")
    if not isinstance(profile, dict):
        return True
    named = first_of(profile, "corpid", "corpId")
    return named in (None, "", corp_id)


def _read_ticket_row(row: Any) -> PushedTicket | None:
    if not isinstance(row, dict) or read_int(row.get("biz_type")) != SUITE_TICKET_BIZ_TYPE:
        return None
    try:
        data = _read_biz_data(row.get("biz_data"))
    except _Unreadable:
        return None
    return read_ticket(data, read_time(row.get("gmt_modified")) or _document_time(data))


def read_ticket(data: Mapping[str, Any], platform_time: datetime | None) -> PushedTicket | None:
    """Return the ticket in the data of a ticket event, or None when there is none that can be one."""
    ticket = first_text(data, "suiteTicket", "SuiteTicket")
    if not 1 <= len(ticket) <= _TICKET_LENGTH or not ticket.isprintable():
        return None
    return PushedTicket(ticket=ticket, platform_time=platform_time)


def _document_time(document: Mapping[str, Any]) -> datetime | None:
    times = (read_time(document.get(name)) for name in _TIME_NAMES)
    return next((moment for moment in times if moment is not None), None)


def _comparable(moment: Any) -> Any:
    """The same for 1608639648000 and "1608639648000"."""
    number = read_int(moment)
    return moment if number is None else number


def event_id_identity(value: Any) -> str | None:
    """Return the identity of the event with this id, by whatever way it comes; None for what is no id."""
    event_id = read_identifier(value, _EVENT_ID_LENGTH)
    return _identity("eventId", event_id) if event_id else None


def _event_id_identity(data: Mapping[str, Any]) -> str | None:
    return event_id_identity(first_of(data, "eventId", "EventId"))


def _identity(kind: str, content: Any) -> str:
    return hashlib.sha256(canonical_json([kind, content])).hexdigest()


def _unreadable(content: Any, reason: str, corp_id: str = "") -> UnreadableEvent:
    return UnreadableEvent(
        identity=_identity("unreadable", content),
        body=canonical_json({"unreadable": content}),
        reason=reason,
        corp_id=corp_id,
    )
