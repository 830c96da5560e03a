"""
Reading the feed: the events after a position that an app may see.

Each page is a walk over a window of positions, by the index on them: a filter that matches little costs no
more than one that matches all, and the cursor advances past what does not match.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from dingtalk import feed
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.models import ReceivedEvent
from dingtalk.protocol.errors import ProtocolError
from dingtalk.protocol.events import SUITE_TICKET_BIZ_TYPE
from tenants.feed.content import without_secrets
from tenants.models import ApiClient
from tenants.queries import visible_tenants

# How many positions one page looks at.
WINDOW = 5_000
# A page ends after so much content: an event may have a megabyte.
MAX_PAGE_BYTES = 4 * 1024 * 1024
_PAYLOADS_AT_ONCE = 20
_SUITE_TICKET = "suite_ticket"
_SHOWN = (
    *("event_type", "corp_id", "biz_type", "biz_id", "platform_time", "received_at", "payload"),
    *("feed_position", "suite__suite_key"),
)

logger = logging.getLogger(__name__)


class CursorAhead(Exception):
    """The place was never reached: it is of another feed, or this one was restored from a backup."""


@dataclass(frozen=True)
class Entry:
    """One event as an app sees it. `data`: without secrets; None when it was removed or cannot be read."""

    position: int
    event: ReceivedEvent
    data: dict[str, Any] | None


@dataclass(frozen=True)
class Page:
    """Entries in order; `position`: where to go on; `has_more`: whether there may be more at once."""

    entries: list[Entry]
    position: int
    has_more: bool


def start_position() -> int:
    """Return the place before the oldest event that is kept."""
    first = feed.next_position(after=0)
    return feed.head_position() if first is None else first - 1


def read_page(
    client: ApiClient,
    *,
    after: int,
    limit: int,
    suite_key: str = "",
    corp_id: str = "",
    types: Iterable[str] = (),
) -> Page:
    """
    Return up to `limit` events after a position, oldest first; empty filters match all.

    Raises CursorAhead for a position that was never given.
    """
    # Before the events: each position up to it is visible to the next statement.
    head = feed.head_position()
    if after > head:
        raise CursorAhead
    end = min(after + WINDOW, head)
    events = visible_events(client).filter(feed_position__gt=after, feed_position__lte=end)
    events = events.filter(_matching(suite_key, corp_id, list(types)))
    ids = list(events.order_by("feed_position").values_list("pk", flat=True)[:limit])
    entries = list(_within_bounds(_load(ids)))
    is_cut = len(entries) < len(ids) or len(ids) == limit
    position = entries[-1].position if entries and is_cut else _before_next_event(end, head=head)
    return Page(entries=entries, position=position, has_more=position < head)


def _before_next_event(position: int, *, head: int) -> int:
    """Return how far a reader may go and pass no event: after a restore many positions are nobody's."""
    if position == head:
        return head
    following = feed.next_position(after=position)
    return head if following is None else min(following - 1, head)


def visible_events(client: ApiClient) -> QuerySet[ReceivedEvent]:
    """
    Return the events that an app may see, numbered or not.

    Of its suites: all, or those of the tenants that it names. Never a suite ticket, and nothing that could
    not be read as an event.
    """
    events = ReceivedEvent.objects.filter(suite__in=client.suites.all())
    events = events.exclude(event_type=_SUITE_TICKET).exclude(biz_type=SUITE_TICKET_BIZ_TYPE)
    events = events.exclude(event_type="", biz_type=None)
    if client.covers_all_tenants:
        return events
    covered = visible_tenants(client).filter(suite=OuterRef("suite"), corp__corp_id=OuterRef("corp_id"))
    return events.filter(Exists(covered))


def _matching(suite_key: str, corp_id: str, types: list[str]) -> Q:
    wanted = Q()
    if suite_key:
        wanted &= Q(suite__suite_key=suite_key)
    if corp_id:
        wanted &= Q(corp_id=corp_id)
    if types:
        wanted &= Q(event_type__in=types)
    return wanted


def _load(ids: list[UUID]) -> Iterator[ReceivedEvent]:
    """Load events with their contents, a few at a time: most pages end by number, some by size."""
    for start in range(0, len(ids), _PAYLOADS_AT_ONCE):
        some = ReceivedEvent.objects.filter(pk__in=ids[start : start + _PAYLOADS_AT_ONCE])
        yield from some.select_related("suite").only(*_SHOWN).order_by("feed_position")


def _within_bounds(events: Iterable[ReceivedEvent]) -> Iterator[Entry]:
    """Make entries until there is enough content; one at least, so that the feed goes on."""
    size = 0
    for event in events:
        content, length = _content(event)
        size += length
        if size > MAX_PAGE_BYTES and size > length:
            return
        yield Entry(position=event.feed_position or 0, event=event, data=content)


def _content(event: ReceivedEvent) -> tuple[dict[str, Any] | None, int]:
    """Return an event's data without secrets, and its size. One that cannot be read stops nobody."""
    try:
        payload = event.payload
        return (without_secrets(event.data()), len(payload)) if payload else (None, 0)
    except (DecryptionError, ProtocolError):
        logger.exception("feed_content_unreadable", extra={"event_id": str(event.pk)})
        return None, 0
