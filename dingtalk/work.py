"""
Queues of rows that have something due, for the dispatcher.

A queue is a condition on rows, not a list: what is due is found by looking, so nothing is ever lost. An app
registers its queues when it starts; the dispatcher claims due rows, publishes a task for each, and
works a row itself when nobody took the task.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from django.db import models, router, transaction
from django.db.models import Q

from dingtalk.foundation.leases import DatabaseNow, Leased, lease_is_free

# A task that nobody took for so long is worked by the dispatcher itself.
AGAIN_AFTER_SECONDS = 10.0
# The queue of tasks is served in order: whoever is behind a suite's tasks waits for no more than these.
HANDED_OUT_PER_SUITE = 64


class Progress(IntEnum):
    """What came of looking for something to do; `MORE`: there may be more to do at once."""

    NONE = 0
    SOME = 1
    MORE = 2


def progress_of(number: int, limit: int) -> Progress:
    """Return what it means that so many were found when no more than `limit` were looked for."""
    if not number:
        return Progress.NONE
    return Progress.SOME if number < limit else Progress.MORE


class DueRow(NamedTuple):
    """A row that was claimed for dispatch; `was_dispatched`: a task went out before, and was not taken."""

    id: UUID
    was_dispatched: bool


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """
    One kind of work.

    `claim_due(limit)` marks due rows as dispatched and returns them; `run(id)` does the work in this
    process, harmless when repeated; `publish(id)` sends a task that calls `run`.
    """

    name: str
    claim_due: Callable[[int], list[DueRow]]
    run: Callable[[UUID], None]
    publish: Callable[[UUID], None]


_queues: dict[str, WorkQueue] = {}


def register(queue: WorkQueue) -> None:
    """Make a queue known to the dispatcher; raises ValueError when the name is taken."""
    if queue.name in _queues:
        raise ValueError(f"there is a work queue {queue.name} already")
    _queues[queue.name] = queue


def registered_queues() -> tuple[WorkQueue, ...]:
    """Return all queues, in order of registration."""
    return tuple(_queues.values())


def claim_due_rows(
    queryset: models.QuerySet[Leased],
    *,
    limit: int,
    again_after_seconds: float = AGAIN_AFTER_SECONDS,
) -> list[DueRow]:
    """
    Mark up to `limit` rows of the queryset as dispatched now, and return them in its order.

    `queryset`: the rows that are due. Left out: rows that somebody holds, and rows that were dispatched less
    than `again_after_seconds` ago. Whoever finishes a row and wants it to be dispatched again
    at once sets `dispatched_at` to NULL.
    """
    using = router.db_for_write(queryset.model)
    due = can_be_claimed(queryset.using(using), again_after_seconds=again_after_seconds)
    # Most often nothing is due: then no lock is taken, which on SQLite would hold up every writer.
    if not due.exists():
        return []
    with transaction.atomic(using=using):
        locked = due.select_for_update(skip_locked=True, of=("self",)).only("pk", "dispatched_at")
        rows = [DueRow(row.pk, row.dispatched_at is not None) for row in locked[:limit]]
        ids = [row.id for row in rows]
        queryset.model._base_manager.using(using).filter(pk__in=ids).update(dispatched_at=DatabaseNow())
    return rows


def can_be_claimed(
    queryset: models.QuerySet[Leased], *, again_after_seconds: float = AGAIN_AFTER_SECONDS
) -> models.QuerySet[Leased]:
    """Leave out rows that somebody holds, and rows that were dispatched a moment ago."""
    long_ago = DatabaseNow() - timedelta(seconds=again_after_seconds)
    not_dispatched = Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=long_ago)
    return queryset.filter(lease_is_free()).filter(not_dispatched)


def handed_out_by_suite(due: models.QuerySet[Leased]) -> dict[UUID, int]:
    """Return how many rows of each suite were dispatched a moment ago and are still due, if there are any."""
    moment_ago = DatabaseNow() - timedelta(seconds=AGAIN_AFTER_SECONDS)
    dispatched = due.filter(dispatched_at__gte=moment_ago).order_by()
    # mypy does not know what a row of a queue has beside its lease.
    return dict(dispatched.values_list("suite_id").annotate(models.Count("pk")))  # type: ignore[misc]
