"""
Frames of Stream mode, read into the same events as callbacks.

A frame is `{"type": "EVENT", "headers": {...}, "data": "<JSON text>"}`. What an event is and whom it is about
stands in the headers; its data spells the names of SyncHTTP in lowerCamelCase, which our readers take as
well. Some events have no data at all: of `org_suite_relieve` only the headers tell the company.

Source: developerpedia "learn/stream/protocol"; open.dingtalk.com, "configure-stream-push"
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import (
    CORP_ID_LENGTH,
    EVENT_TYPE_LENGTH,
    PushedTicket,
    SyncEvent,
    UnreadableEvent,
    event_id_identity,
    names_only,
    read_ticket,
)
from dingtalk.protocol.fields import clean_text, first_of, read_identifier, read_time
from dingtalk.protocol.json_guard import MAX_JSON_BYTES, canonical_json, read_json_object

SUITE_TICKET = "suite_ticket"
# What a frame says again each time that it is sent: the rest is the same in every delivery.
_OF_THE_DELIVERY = frozenset({"messageId", "time", "connectionId", "topic", "contentType"})
# Our own text of a frame holds its data as a text in a text.
_MAX_STORED_BYTES = 8 * MAX_JSON_BYTES


@dataclass(frozen=True)
class StreamFrame:
    """
    One event frame.

    `headers`: without what changes from delivery to delivery. `data`: the JSON text in it, not yet read; an
    object where DingTalk sends one instead of a text.
    """

    headers: Mapping[str, Any] = field(repr=False)
    data: Any = field(repr=False)

    @property
    def event_type(self) -> str:
        """What happened, or an empty text."""
        return clean_text(self.headers.get("eventType"), EVENT_TYPE_LENGTH)

    @property
    def stored(self) -> bytes:
        """What to store, for `read_stored_frame`."""
        return canonical_json({"headers": dict(self.headers), "data": self.data})

    @property
    def digest(self) -> str:
        """64 hex characters, the same for every delivery of this frame."""
        return hashlib.sha256(b"stream:" + self.stored).hexdigest()

    def tickets(self) -> list[PushedTicket]:
        """Return the suite ticket in this frame, if it brings one."""
        if self.event_type != SUITE_TICKET:
            return []
        try:
            ticket = read_ticket(self._read_data(), self._platform_time())
        except MalformedEvent:
            return []
        return [ticket] if ticket else []

    def event(self) -> SyncEvent | UnreadableEvent:
        """Return the event in this frame; one that cannot be read says why."""
        corp_id = read_identifier(self.headers.get("eventCorpId"), CORP_ID_LENGTH)
        try:
            return self._read_event(corp_id)
        except MalformedEvent as malformed:
            return UnreadableEvent(
                identity=self._identity(),
                body=self._unreadable(),
                reason=str(malformed),
                corp_id=corp_id or "",
            )

    def _read_event(self, corp_id: str | None) -> SyncEvent:
        if not self.event_type:
            raise MalformedEvent("the frame has no event type")
        if corp_id is None:
            raise MalformedEvent("eventCorpId is not an identifier")
        data = self._read_data()
        if not names_only(data, corp_id):
            raise MalformedEvent("the frame and its data name different organisations")
        return SyncEvent(
            event_type=self.event_type,
            corp_id=corp_id,
            biz_type=None,
            biz_id="",
            platform_time=self._platform_time(),
            identity=self._identity(),
            data=data,
            body=canonical_json({"data": data}),
        )

    def _read_data(self) -> dict[str, Any]:
        if isinstance(self.data, dict):
            return self.data
        if self.data is None or self.data == "":
            return {}
        if not isinstance(self.data, str):
            raise MalformedEvent("the data is neither a text nor an object")
        return read_json_object(self.data)

    def _platform_time(self) -> datetime | None:
        return read_time(self.headers.get("eventBornTime"))

    def _identity(self) -> str:
        """By the event's id, as in every push mode; without one by all that the frame says."""
        return event_id_identity(self.headers.get("eventId")) or self.digest

    def _unreadable(self) -> bytes:
        return canonical_json({"unreadable": {"headers": dict(self.headers), "data": self.data}})


def read_frame(document: Mapping[str, Any]) -> StreamFrame:
    """Read an event frame as it came; one sample of the protocol calls the headers `header`."""
    headers = first_of(document, "headers", "header")
    lasting = headers.items() if isinstance(headers, Mapping) else ()
    return StreamFrame(
        headers=_plain({name: _as_text(value) for name, value in lasting if name not in _OF_THE_DELIVERY}),
        data=_plain(document.get("data")),
    )


def read_stored_frame(body: bytes) -> StreamFrame:
    """Return the frame that was stored; raises MalformedEvent when the bytes are none."""
    return read_frame(read_json_object(body, max_bytes=_MAX_STORED_BYTES))


def _as_text(value: Any) -> Any:
    """A number as text: headers are the one or the other from page to page."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    """The value without what cannot be written as JSON text again: NaN, infinity, half surrogates."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    return json.loads(text, parse_constant=str)
