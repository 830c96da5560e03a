"""A row of the push tables, as the message that SyncHTTP would have pushed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import PushedTicket, read_push
from dingtalk.protocol.json_guard import canonical_json


@dataclass(frozen=True, slots=True)
class PushTable:
    """One of the two tables, and what SyncHTTP calls a push of its rows."""

    name: str
    event_type: str


HIGH = PushTable("open_sync_biz_data", "SYNC_HTTP_PUSH_HIGH")
MEDIUM = PushTable("open_sync_biz_data_medium", "SYNC_HTTP_PUSH_MEDIUM")
PUSH_TABLES = (HIGH, MEDIUM)

# What a row says; its id changes when it is written again, and `status` is ours to use.
_CONTENT = ("subscribe_id", "corp_id", "biz_type", "biz_id", "gmt_modified", "biz_data")


@dataclass(frozen=True)
class PushRow:
    """
    One row. `message`: as SyncHTTP pushes it. `digest`: of what it says, so not of its id.

    `modified_at`: aware, None when the column holds no time.
    """

    id: int
    subscribe_id: str
    modified_at: datetime | None
    message: bytes
    digest: str

    def tickets(self) -> list[PushedTicket]:
        """Return the suite ticket in the row, if it is one of those."""
        try:
            return read_push(self.message).tickets()
        except MalformedEvent:
            return []


def read_row(values: Mapping[str, Any], *, table: PushTable, zone: ZoneInfo) -> PushRow:
    """
    Read a row, whatever is in it: what is no event is found when the push is split, and kept as dead.

    `zone`: of the database's times, which have none.
    """
    plain = {name: _plain(value, zone) for name, value in values.items()}
    content = canonical_json([table.name, *(plain.get(name) for name in _CONTENT)])
    modified = values.get("gmt_modified")
    return PushRow(
        id=int(values["id"]),
        subscribe_id=str(plain.get("subscribe_id") or ""),
        modified_at=_aware(modified, zone) if isinstance(modified, datetime) else None,
        message=canonical_json({"EventType": table.event_type, "bizData": [plain]}),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """Return what SyncHTTP would say: times as Unix milliseconds, the rest as numbers and texts."""
    if isinstance(value, datetime):
        moment = _aware(value, zone)
        return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if value is None or isinstance(value, int | str):
        return value
    return str(value)


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=zone).astimezone(UTC)
