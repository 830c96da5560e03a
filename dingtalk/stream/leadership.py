"""
One connection per suite in the whole fleet: a lease on the suite's row, renewed while it is held.

Two connections would do no harm, since what comes twice is stored once; DingTalk would only spread the events
over both. So a process that cannot reach the database keeps its connection until another one has the lease.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from dingtalk.foundation.leases import (
    DatabaseNow,
    claim_lease,
    extend_lease,
    holds_lease,
    lease_is_free,
)
from dingtalk.foundation.redaction import redact_text
from dingtalk.models import ConnectionState, PushMode, StreamConnection, Suite

_ERROR_LENGTH = 300


def wants_stream() -> bool:
    """Whether any suite gets its events by Stream."""
    return Suite.objects.filter(push_mode=PushMode.STREAM).exists()


def claim_connection(suite_id: UUID, *, holder: str, seconds: float) -> int | None:
    """Become the process that connects this suite; return the epoch, or None while another one is it."""
    rows = StreamConnection.objects.all()
    if not rows.filter(pk=suite_id).exists():
        rows.bulk_create([StreamConnection(suite_id=suite_id)], ignore_conflicts=True)
    # Looked at first: a claim takes a write lock, and those that wait look every few seconds.
    if not rows.filter(lease_is_free(), pk=suite_id).exists():
        return None
    epoch = claim_lease(rows, suite_id, seconds=seconds)
    if epoch is not None:
        changes = {"holder": holder, "state": ConnectionState.CONNECTING, "connected_since": None}
        rows.filter(holds_lease(epoch), pk=suite_id).update(**changes)
    return epoch


def keep_connection(suite_id: UUID, epoch: int, *, seconds: float, report: Mapping[str, Any]) -> bool:
    """Hold the lease for so long from now and store what there is to say; False when it is another's."""
    rows = StreamConnection.objects.all()
    if not extend_lease(rows, suite_id, epoch, seconds=seconds):
        return False
    return bool(rows.filter(holds_lease(epoch), pk=suite_id).update(**report))


def release_connection(suite_id: UUID, epoch: int, *, report: Mapping[str, Any]) -> None:
    """Let another process connect this suite at once; `report`: what there was to say last."""
    held = StreamConnection.objects.filter(holds_lease(epoch), pk=suite_id)
    stopped = {"state": ConnectionState.STOPPED, "connected_since": None}
    held.update(lease_until=None, **{**report, **stopped})


def note_error(suite_id: UUID, error: str, *, at: datetime | None = None) -> None:
    """Store what keeps a suite from being connected, for people."""
    shown = redact_text(error)[:_ERROR_LENGTH]
    StreamConnection.objects.filter(pk=suite_id).update(last_error=shown, last_error_at=at or timezone.now())


def with_liveness(rows: QuerySet[StreamConnection]) -> QuerySet[StreamConnection]:
    """Return the rows with `is_held`: whether a living process stands behind what the row says."""
    is_held = Case(When(lease_until__gte=DatabaseNow(), then=Value(True)), default=Value(False))
    return rows.annotate(is_held=is_held)
