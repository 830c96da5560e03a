"""What the database knows of the background processes: a row each, with when it last did what it is for."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BooleanField, Count, ExpressionWrapper, Max, Min, Q, QuerySet

from dingtalk import pulses
from dingtalk.foundation.leases import DatabaseNow
from dingtalk.heartbeat_files import SILENT_SECONDS
from dingtalk.models import ProcessHeartbeat, ProcessKind
from dingtalk.version import VERSION

KEPT_FOR = timedelta(days=1)
# Of these there is always one; of the others only where they are wanted.
ALWAYS_THERE = (ProcessKind.WORKER, ProcessKind.DISPATCHER, ProcessKind.BEAT)
_HOST_LENGTH = 255


def write_row(heartbeat_id: UUID, kind: ProcessKind, *, progress_seconds_ago: float) -> None:
    """Tell of this process when it last made progress; its first call says that it has started."""
    last_progress_at = DatabaseNow() - timedelta(seconds=progress_seconds_ago)
    rows = ProcessHeartbeat.objects.filter(pk=heartbeat_id)
    if not rows.update(last_progress_at=last_progress_at):
        ProcessHeartbeat.objects.create(
            id=heartbeat_id,
            kind=kind,
            host=socket.gethostname()[:_HOST_LENGTH],
            pid=os.getpid(),
            version=VERSION,
            started_at=DatabaseNow(),
            last_progress_at=last_progress_at,
        )


def note_end(heartbeat_id: UUID) -> None:
    """Tell that this process was told to end."""
    ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(ended_at=DatabaseNow())


@dataclass(frozen=True)
class Figures:
    """
    How the processes of one kind are doing.

    `at_work`: how many made progress lately. `last_progress_seconds`: how long ago any of them did; None: no
    process of this kind was seen in the last day.
    """

    at_work: int = 0
    last_progress_seconds: float | None = None

    @property
    def is_silent(self) -> bool:
        """Whether none of them does anything."""
        return self.last_progress_seconds is None or self.last_progress_seconds > SILENT_SECONDS


def figures() -> dict[ProcessKind, Figures]:
    """Return how each kind is doing: those that are always there, and others that were not told to end."""
    now = DatabaseNow()
    is_expected = Q(kind__in=ALWAYS_THERE) | Q(ended_at__isnull=True)
    found = (
        ProcessHeartbeat.objects.filter(is_expected)
        .order_by()
        .values_list("kind")
        .annotate(at_work=Count("pk", filter=_is_at_work()), last=Max("last_progress_at"), now=Min(now))
    )
    known = {ProcessKind(kind): _figures(at_work, last, now) for kind, at_work, last, now in found}
    return {kind: known.get(kind, Figures()) for kind in ProcessKind if kind in {*ALWAYS_THERE, *known}}


def with_health(rows: QuerySet[ProcessHeartbeat]) -> QuerySet[ProcessHeartbeat]:
    """Give each row `is_at_work`: it made progress lately, and was not told to end."""
    return rows.annotate(is_at_work=ExpressionWrapper(_is_at_work(), output_field=BooleanField()))


def _is_at_work() -> Q:
    lately = DatabaseNow() - timedelta(seconds=SILENT_SECONDS)
    return Q(ended_at__isnull=True, last_progress_at__gte=lately)


def _figures(at_work: int, last: datetime, now: datetime) -> Figures:
    return Figures(at_work, max(0.0, (now - last).total_seconds()))


def prune(*, now: datetime) -> int:
    """Remove the rows of processes that ended long ago, and what is left of their queues; return how many."""
    old = ProcessHeartbeat.objects.filter(last_progress_at__lt=now - KEPT_FOR)
    for heartbeat_id in old.filter(kind=ProcessKind.WORKER).values_list("pk", flat=True):
        pulses.drop_queue(heartbeat_id)
    return old.delete()[0]
