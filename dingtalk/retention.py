"""
Removing what has been kept long enough, in small batches, while everything else goes on.

Nothing that waits is ever touched. Digests and identities outlive the contents: they keep a repeated
delivery from being taken for a new one. Each batch is a transaction of its own, found by an index on its age:
whoever is killed half-way has removed whole batches, and the next run goes on from there.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet

from dingtalk import heartbeats
from dingtalk.models import CallbackRefusal, EventState, ReceivedEvent, ReceivedPush, Suite, SuiteTicket

BATCH = 500
# For one kind in one run; the next run goes on.
SECONDS_PER_KIND = 60.0

PAYLOAD_DAYS = 30
TICKET_DAYS = 30
TICKETS_KEPT = 10
REFUSAL_DAYS = 30
_FINISHED = (EventState.HANDLED, EventState.IGNORED, EventState.SUPERSEDED)

logger = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=Model)


def prune(*, now: datetime) -> dict[str, int]:
    """Remove what is old enough; return the number of rows by kind."""
    removed = {
        "push_bodies": in_batches(_old_bodies(now), lambda rows: rows.update(body=None)),
        "pushes": in_batches(_old_pushes(now), delete_rows),
        "event_payloads": in_batches(_old_payloads(now), lambda rows: rows.update(payload=None)),
        "refusals": in_batches(_old_refusals(now), delete_rows),
        "tickets": sum(in_batches(tickets, delete_rows) for tickets in _old_tickets(now)),
        "processes": heartbeats.prune(now=now),
    }
    logger.info("pruned", extra=removed)
    return removed


def _old_bodies(now: datetime) -> QuerySet[ReceivedPush]:
    """Their events have payloads of their own. A body goes before its push, however long it may be kept."""
    days = min(settings.PUSH_BODY_RETENTION_DAYS, settings.PUSH_DIGEST_RETENTION_DAYS)
    return _split_before(now - timedelta(days=days)).filter(body__isnull=False)


def _old_pushes(now: datetime) -> QuerySet[ReceivedPush]:
    long_ago = now - timedelta(days=settings.PUSH_DIGEST_RETENTION_DAYS)
    return _split_before(long_ago).filter(body__isnull=True)


def _split_before(moment: datetime) -> QuerySet[ReceivedPush]:
    """Return the pushes of before that need no splitting any more, the oldest first."""
    return ReceivedPush.objects.filter(split_at__lt=moment, received_at__lt=moment).order_by("received_at")


def _old_payloads(now: datetime) -> QuerySet[ReceivedEvent]:
    """Dead events keep theirs: somebody may still want them to be handled."""
    long_ago = now - timedelta(days=PAYLOAD_DAYS)
    finished = ReceivedEvent.objects.filter(
        state__in=_FINISHED, handled_at__lt=long_ago, received_at__lt=long_ago, payload__isnull=False
    )
    return finished.order_by("handled_at")


def _old_refusals(now: datetime) -> QuerySet[CallbackRefusal]:
    return CallbackRefusal.objects.filter(last_at__lt=now - timedelta(days=REFUSAL_DAYS)).order_by("last_at")


def _old_tickets(now: datetime) -> list[QuerySet[SuiteTicket]]:
    """The newest of each suite stay, however old: the newest one is in use."""
    long_ago = now - timedelta(days=TICKET_DAYS)
    found = []
    for suite in Suite.objects.only("pk"):
        tickets = SuiteTicket.objects.filter(suite=suite)
        kept = list(tickets.order_by("-platform_time", "-received_at", "-id")[:TICKETS_KEPT])
        found.append(tickets.filter(received_at__lt=long_ago).exclude(pk__in=[ticket.pk for ticket in kept]))
    return found


def in_batches(old: QuerySet[ModelT], remove: Callable[[QuerySet[ModelT]], Any]) -> int:
    """
    Remove `old` by short statements, since a long one would hold up the callbacks; return how many rows.

    `old`: ordered as an index has it. `remove` must take rows out of `old`. After each full batch it pauses
    for as long as the batch took, so that others, and autovacuum, have the database for half of the time.
    """
    count, end = 0, monotonic() + SECONDS_PER_KIND
    while True:
        started = monotonic()
        keys = list(old.values_list("pk", flat=True)[:BATCH])
        if keys:
            remove(old.model._base_manager.filter(pk__in=keys))
        count += len(keys)
        now = monotonic()
        if len(keys) < BATCH or now > end:
            return count
        sleep(now - started)


def delete_rows(rows: QuerySet[Any]) -> None:
    """Remove whole rows."""
    rows.delete()
