"""
Lanes: the events of one (suite, corp), handled one at a time in order of the platform's time.

What is first in its lane and due can be claimed, unless another event of the lane is being handled: an
older one may arrive while a newer one is.
"""

from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from dingtalk.foundation.leases import Claim, DatabaseNow, lease_is_free
from dingtalk.models import WAITING_STATES, ReceivedEvent, Suite
from dingtalk.version import VERSION

# A handler only writes to the database, so a claim that is older belongs to a process that died.
LEASE_SECONDS = 60

# One subquery a lane. PostgreSQL and SQLite have no other way to skip from one value of an index to the next.
# The states are written out as they are in the index's condition.
_WALK = """
    WITH RECURSIVE lane(id, corp_id) AS (
        SELECT * FROM (
            SELECT id, corp_id FROM {table}
            WHERE state IN ('pending', 'failed') AND suite_id = %s AND corp_id {begin} %s
            ORDER BY corp_id, platform_time, id LIMIT 1
        ) AS first
        UNION ALL
        SELECT following.id, following.corp_id FROM lane JOIN {table} AS following ON following.id = (
            SELECT id FROM {table}
            WHERE state IN ('pending', 'failed') AND suite_id = %s AND corp_id > lane.corp_id
            ORDER BY corp_id, platform_time, id LIMIT 1
        )
    )
    SELECT id, corp_id FROM lane LIMIT %s
"""

_LOCK_LANE = """
    SELECT pg_advisory_xact_lock(hashtextextended(suite_id || ' ' || corp_id, 0)) FROM {table} WHERE id = %s
"""


def later_than_outer() -> Q:
    """Match events that come after the outer query's event in order of the platform's time."""
    return Q(platform_time__gt=OuterRef("platform_time")) | Q(
        platform_time=OuterRef("platform_time"), id__gt=OuterRef("id")
    )


def first_due_events() -> QuerySet[ReceivedEvent]:
    """
    Return the events that can be claimed: each lane's first, if it is due and its lane is free.

    However long a lane is, each of the two looks at it reads one row of an index.
    """
    lane = ReceivedEvent.objects.filter(
        suite_id=OuterRef("suite_id"), corp_id=OuterRef("corp_id"), state__in=WAITING_STATES
    )
    first = lane.order_by("platform_time", "id").values("id")[:1]
    # The first condition is what the index can serve.
    held = lane.filter(lease_until__isnull=False).exclude(lease_is_free()).exclude(id=OuterRef("id"))
    is_due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=DatabaseNow())
    return ReceivedEvent.objects.filter(is_due, ~Exists(held), id=Subquery(first), state__in=WAITING_STATES)


_claim = Claim(first_due_events, seconds=LEASE_SECONDS, attempts=F("attempts") + 1, code_version=VERSION)


def suites_with_waiting_events() -> list[UUID]:
    """Return the suites that have events waiting, due or not, in order of their ids."""
    waiting = ReceivedEvent.objects.filter(suite_id=OuterRef("pk"), state__in=WAITING_STATES)
    return list(Suite.objects.filter(Exists(waiting)).order_by("pk").values_list("pk", flat=True))


def walk_lanes(suite_id: UUID, *, after: str | None, limit: int) -> dict[UUID, str]:
    """
    Return the first waiting event of each of a suite's next lanes, due or not, with the lane's company.

    In order of the companies' ids, from behind `after` or from the beginning. Steps from lane to lane by the
    index: what it costs depends on `limit` and not on how many events wait.
    """
    field = ReceivedEvent._meta.get_field("id")
    suite = ReceivedEvent._meta.get_field("suite").get_db_prep_value(suite_id, connection)
    with connection.cursor() as cursor:
        walk = _WALK.format(table=ReceivedEvent._meta.db_table, begin=">=" if after is None else ">")
        cursor.execute(walk, [suite, after or "", suite, limit])
        return {field.to_python(event_id): corp_id for event_id, corp_id in cursor.fetchall()}


def claim_event(event_id: UUID) -> ReceivedEvent | None:
    """
    Claim an event for this process and count the attempt, or return None when it cannot be had now.

    Committed before the event is handled: an event that kills its process is counted too.
    """
    with transaction.atomic():
        _lock_lane_of(event_id)
        if _claim(event_id) is None:
            return None
        return ReceivedEvent.objects.select_related("suite").get(pk=event_id)


def find_next(event: ReceivedEvent) -> UUID | None:
    """Return the first waiting event of the same lane, due or not."""
    lane = ReceivedEvent.objects.filter(
        suite_id=event.suite_id, corp_id=event.corp_id, state__in=WAITING_STATES
    )
    return lane.order_by("platform_time", "id").values_list("pk", flat=True).first()


def _lock_lane_of(event_id: UUID) -> None:
    """
    Let no one else claim in an event's lane until the transaction ends.

    Two claims of different events would not see each other. SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_LANE.format(table=ReceivedEvent._meta.db_table), [event_id])
