"""
When we could not receive: noticed, so that what DingTalk could not push meanwhile is fetched back.

DingTalk tries an event three times within 40 seconds, so only what lasts about that long loses any. The
dispatcher leaves a sign of life every few seconds; a gap in them means that the portal or its database was
away. A web process that had to answer 503 for so long says so when it can store again. A proxy or
network that keeps pushes from us leaves no trace here.
"""

import logging
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic

from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from dingtalk.models import Outage, OutageKind, SignOfLife
from dingtalk.patience import impatient_transaction

BEAT_SECONDS = 5.0
# Shorter than this, and one of DingTalk's three tries came through.
SHORTEST_OUTAGE = timedelta(seconds=40)
SHORTEST_REFUSAL = timedelta(seconds=30)

logger = logging.getLogger(__name__)


def leave_sign_of_life(*, now: datetime) -> bool:
    """Note that we are at work; returns whether there was a gap, which is kept as an outage."""
    with transaction.atomic():
        last = SignOfLife.objects.select_for_update().filter(pk=1).first()
        if last is None:
            SignOfLife.objects.get_or_create(pk=1, defaults={"seen_at": now})
            return False
        had_gap = now - last.seen_at > SHORTEST_OUTAGE
        if had_gap:
            _record(OutageKind.SILENCE, began_at=last.seen_at, ended_at=now)
        SignOfLife.objects.filter(pk=1, seen_at__lt=now).update(seen_at=now)
    return had_gap


class Pulse:
    """Leaves signs of life for one dispatcher, not more often than needed."""

    def __init__(self) -> None:
        self._due_at = 0.0

    def beat(self) -> bool:
        """Leave one if it is time; there is never more to do at once."""
        if monotonic() >= self._due_at:
            leave_sign_of_life(now=timezone.now())
            self._due_at = monotonic() + BEAT_SECONDS
        return False


class RefusedPushes:
    """What one web process had to answer with 503; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, *, now: datetime) -> None:
        """Remember a push that could not be stored."""
        with self._lock:
            self._first = self._first or now
            self._last = now

    def report(self, *, now: datetime) -> None:
        """Keep what was remembered as an outage, if it lasted: called when a push could be stored again."""
        if self._first is None:
            return
        with self._lock:
            first, last = self._first, self._last
            if first is None or last is None or now - first < SHORTEST_REFUSAL:
                return
            self._first = self._last = None
        if last - first < SHORTEST_REFUSAL / 3:
            return
        try:
            with impatient_transaction():
                _record(OutageKind.REFUSED, began_at=first, ended_at=now)
        except DatabaseError:
            self.add(now=first)
            self.add(now=last)


refused_pushes = RefusedPushes()


def _record(kind: OutageKind, *, began_at: datetime, ended_at: datetime) -> None:
    Outage.objects.create(kind=kind, began_at=began_at, ended_at=ended_at)
    seconds = round((ended_at - began_at).total_seconds())
    logger.warning("outage_noticed", extra={"kind": kind.value, "seconds": seconds})
