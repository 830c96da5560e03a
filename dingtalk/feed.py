"""
Positions in the events feed: given so that they become visible in order, without a gap that fills later.

Ids are made before a transaction commits, so whoever reads "all ids after the last one" misses an event whose
transaction commits late. Therefore a committed event gets its position afterwards, in batches, by one process
at a time: it holds the head's row from before it looks until its positions are committed. Whoever sees a
position can see all that are smaller (docs/adr/0008-feed-positions-given-afterwards.md).
"""

from django.db import transaction
from django.db.models import QuerySet

from dingtalk.models import FeedHead, ReceivedEvent

BATCH = 500
_HEAD_ID = 1


def number_events() -> bool:
    """
    Give positions to events that have none, the oldest first; return whether there may be more to do at once.

    Does nothing while another process is at it. Passes over an event that is being handled just now: it gets
    a later position, so that a slow handler does not hold up the feed.
    """
    # Most often there is none: then no lock is taken, which on SQLite would hold up every writer.
    if not _without_position().exists():
        return False
    FeedHead.objects.get_or_create(pk=_HEAD_ID)
    with transaction.atomic():
        head = FeedHead.objects.select_for_update(skip_locked=True).filter(pk=_HEAD_ID).first()
        if head is None:
            return False
        locked = _without_position().order_by("id").select_for_update(skip_locked=True, of=("self",))
        events = list(locked.only("pk")[:BATCH])
        for position, event in enumerate(events, start=head.position + 1):
            event.feed_position = position
        ReceivedEvent.objects.bulk_update(events, ["feed_position"])
        FeedHead.objects.filter(pk=_HEAD_ID).update(position=head.position + len(events))
    return len(events) == BATCH


def head_position() -> int:
    """
    Return the last position that was given; 0 before the first.

    Every position up to it is visible to each later statement: read this first, then the events.
    """
    return FeedHead.objects.filter(pk=_HEAD_ID).values_list("position", flat=True).first() or 0


def _without_position() -> QuerySet[ReceivedEvent]:
    return ReceivedEvent.objects.filter(feed_position=None)
