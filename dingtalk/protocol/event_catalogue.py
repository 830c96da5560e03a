"""
Which events DingTalk documents: their names, biz types, priority and ways of delivery, from `events.tsv`.

What is not in it is no less an event: it is kept, acknowledged, and shown as unknown.

Source: open.dingtalk.com, "development-data-format-help", and the page named in each row
"""

from csv import QUOTE_NONE, DictReader
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

__all__ = [
    "Delivery",
    "EventEntry",
    "KnownEvent",
    "Priority",
    "find_event",
    "is_known",
    "load_event_catalogue",
    "name_of_biz_type",
]


class Delivery(StrEnum):
    """A way by which events come. The push database (RDS) has the rows of SyncHTTP."""

    STREAM = "stream"
    HTTP = "http"
    SYNC_HTTP = "sync_http"


class Priority(StrEnum):
    """The channel of a row: SYNC_HTTP_PUSH_HIGH or _MEDIUM, `open_sync_biz_data` or `..._medium`."""

    HIGH = "high"
    MEDIUM = "medium"


@dataclass(frozen=True)
class EventEntry:
    """
    One row of the table: an event in one form.

    `name`: empty where a biz type is documented and its names are not. `biz_type`: None for legacy HTTP and
    for what is no row. `priorities`: both where the pages disagree, none under legacy HTTP, which has no
    channels. `deliveries`: those that are documented for third-party apps.
    """

    name: str
    description: str
    deliveries: frozenset[Delivery]
    biz_type: int | None
    priorities: tuple[Priority, ...]
    key_fields: str
    source: str
    note: str = ""


@dataclass(frozen=True)
class KnownEvent:
    """All that the table says of one name: several rows where it comes in several forms."""

    name: str
    description: str
    deliveries: frozenset[Delivery]
    biz_types: tuple[int, ...]
    priorities: tuple[Priority, ...]


@cache
def load_event_catalogue() -> tuple[EventEntry, ...]:
    """Return every row of `events.tsv`, in its order."""
    text = files("dingtalk.protocol").joinpath("events.tsv").read_text(encoding="utf-8")
    return tuple(_read(row) for row in DictReader(text.splitlines(), delimiter="\t", quoting=QUOTE_NONE))


def find_event(name: str) -> KnownEvent | None:
    """Return what is documented of an event of this name, or None."""
    return _events_by_name().get(name)


def is_known(name: str, biz_type: int | None) -> bool:
    """
    Whether DingTalk documents this event.

    By name, whatever its biz type: pages disagree on some. Without a name, or where no names are documented,
    by biz type.
    """
    if name in _events_by_name():
        return True
    names = _names_by_biz_type().get(biz_type, frozenset())
    return "" in names or (not name and bool(names))


def name_of_biz_type(biz_type: int) -> str:
    """Return the only event of a biz type, for a row that does not name its own; else an empty text."""
    names = _names_by_biz_type().get(biz_type, frozenset())
    return next(iter(names)) if len(names) == 1 else ""


def _read(row: dict[str, str]) -> EventEntry:
    columns = {Delivery.STREAM: "stream", Delivery.HTTP: "http", Delivery.SYNC_HTTP: "synchttp"}
    return EventEntry(
        name=row["event"],
        description=row["description"],
        # L: for legacy apps. A question mark is no promise.
        deliveries=frozenset(delivery for delivery, column in columns.items() if row[column] in ("Y", "L")),
        biz_type=int(row["biz_type"]) if row["biz_type"] else None,
        priorities=tuple(Priority(word) for word in row["priority"].split("/") if word),
        key_fields=row["key_fields"],
        source=row["source"],
        note=row["note"],
    )


@cache
def _events_by_name() -> dict[str, KnownEvent]:
    entries_by_name: dict[str, list[EventEntry]] = {}
    for entry in load_event_catalogue():
        if entry.name:
            entries_by_name.setdefault(entry.name, []).append(entry)
    return {name: _merged(name, entries) for name, entries in entries_by_name.items()}


def _merged(name: str, entries: list[EventEntry]) -> KnownEvent:
    return KnownEvent(
        name=name,
        description=entries[0].description,
        deliveries=frozenset().union(*(entry.deliveries for entry in entries)),
        biz_types=tuple(entry.biz_type for entry in entries if entry.biz_type is not None),
        priorities=tuple(dict.fromkeys(word for entry in entries for word in entry.priorities)),
    )


@cache
def _names_by_biz_type() -> dict[int | None, frozenset[str]]:
    names: dict[int | None, set[str]] = {}
    for entry in load_event_catalogue():
        if entry.biz_type is not None:
            names.setdefault(entry.biz_type, set()).add(entry.name)
    return {biz_type: frozenset(found) for biz_type, found in names.items()}
