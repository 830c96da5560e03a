"""
Positions in the events feed: given so that they become visible in order, without a gap that fills later.

Ids are made before a transaction commits, so whoever reads "all ids after the last one" misses an event whose
transaction commits late. Therefore a committed event gets its position afterwards, in batches, by one process
at a time: it holds the head's row from before it looks until its positions are committed. Whoever sees a
position can see all that are smaller (docs/adr/0009-feed-positions-given-afterwards.md).
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest

from dingtalk.models import FeedHead, ReceivedEvent

BATCH = 500
_HEAD_ID = 1
_TABLE = ReceivedEvent._meta.db_table


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
        given = _give_positions(after=head.position)
        FeedHead.objects.filter(pk=_HEAD_ID).update(position=head.position + given)
    return given == BATCH


def head_position() -> int:
    """
    Return the last position that was given; 0 before the first.

    Every position up to it is visible to each later statement: read this first, then the events.
    """
    return FeedHead.objects.filter(pk=_HEAD_ID).values_list("position", flat=True).first() or 0


def raise_head(*, now: datetime) -> int:
    """
    Go on above every position that was ever given, also by a database that is lost; return the new head.

    Positions are numbers, and fewer than a million of them are given in a second: so the microseconds since
    1970 are more than any that was given before `now`, by this database or by those that it is a copy of.
    """
    FeedHead.objects.get_or_create(pk=_HEAD_ID)
    above_all = int(now.timestamp() * 1_000_000)
    FeedHead.objects.filter(pk=_HEAD_ID).update(position=Greatest(F("position"), Value(above_all)))
    return head_position()


def next_position(*, after: int) -> int | None:
    """Return the first position after this one that an event has; None when there is none."""
    events = ReceivedEvent.objects.filter(feed_position__gt=after).order_by("feed_position")
    return events.values_list("feed_position", flat=True).first()


def _without_position() -> QuerySet[ReceivedEvent]:
    return ReceivedEvent.objects.filter(feed_position=None)


def _give_positions(*, after: int) -> int:
    """
    Number the oldest events that nobody holds, in one statement; return how many.

    By the ORM each of them would be a branch of a CASE, whose cost grows with the square of the batch.
    """
    skips_locked = connection.features.has_select_for_update_skip_locked
    with connection.cursor() as cursor:
        cursor.execute(
            # A CTE that locks rows is read once; a subquery may be read again for each row of the join.
            f"""
            WITH oldest AS (
                SELECT id FROM {_TABLE} WHERE feed_position IS NULL ORDER BY id LIMIT %s
                {"FOR UPDATE SKIP LOCKED" if skips_locked else ""}
            )
            UPDATE {_TABLE} SET feed_position = %s + numbered.number
            FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS number FROM oldest) AS numbered
            WHERE {_TABLE}.id = numbered.id
            RETURNING feed_position
            """,  # noqa: S608 - names of our own
            [BATCH, after],
        )
        return len(cursor.fetchall())
