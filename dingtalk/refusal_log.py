"""
Refused callbacks for the operator: counted by suite, reason and day, with the last one kept as a sample.

Whoever sends rubbish must not keep the database busy, and must not learn from the time of our answer why it
was refused. So each process writes at most once a second for a suite, whatever the reasons, and what comes
meanwhile is counted in memory and written with the next refusal.
"""

import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import F, QuerySet
from django.utils import timezone

from dingtalk.models import CallbackRefusal
from dingtalk.patience import impatient_transaction

WRITE_EVERY_SECONDS = 1.0
# After a failure: a database that is away makes no refusal slow.
PAUSE_AFTER_FAILURE_SECONDS = 30.0
MAX_SAMPLE_BYTES = 65_536

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RefusedRequest:
    """What is kept of one refused callback."""

    reason: str
    at: datetime
    source: str | None
    query: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass
class _Pending:
    counts: Counter[str] = field(default_factory=Counter)
    last: dict[str, RefusedRequest] = field(default_factory=dict)
    not_before: float = 0.0


class RefusalLog:
    """The refusals of one process; safe between threads. Suites are few, so what is kept is small."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: dict[UUID | None, _Pending] = {}

    def add(self, suite_id: UUID | None, refused: RefusedRequest) -> None:
        """Count a refusal; write what was counted when the last writing is a second ago."""
        due = self._take_if_due(suite_id, refused)
        if due is None:
            return
        try:
            with impatient_transaction():
                for reason, count in due.counts.items():
                    _write(suite_id, due.last[reason], count)
        except DatabaseError:
            logger.warning("callback_refusals_not_noted", exc_info=True)
            with self._lock:
                self._pending[suite_id].not_before = monotonic() + PAUSE_AFTER_FAILURE_SECONDS

    def _take_if_due(self, suite_id: UUID | None, refused: RefusedRequest) -> _Pending | None:
        now = monotonic()
        with self._lock:
            pending = self._pending.setdefault(suite_id, _Pending())
            pending.counts[refused.reason] += 1
            pending.last[refused.reason] = refused
            if now < pending.not_before:
                return None
            self._pending[suite_id] = _Pending(not_before=now + WRITE_EVERY_SECONDS)
            return pending

    def clear(self) -> None:
        """Forget what was not written."""
        with self._lock:
            self._pending.clear()


def _write(suite_id: UUID | None, refused: RefusedRequest, count: int) -> None:
    of_suite = CallbackRefusal.objects.filter(suite_id=suite_id) if suite_id else _of_no_suite()
    last: dict[str, Any] = {"last_at": refused.at, "last_source": refused.source}
    row, is_new = of_suite.get_or_create(
        day=timezone.localdate(refused.at),
        reason=refused.reason,
        defaults={"suite_id": suite_id, "count": count, "first_at": refused.at, **last},
    )
    changes = {} if is_new else {"count": F("count") + count, **last}
    sample = _sample(refused) if suite_id else None
    if sample is not None:
        column = CallbackRefusal._meta.get_field("sample")
        changes |= {"sample": column.encrypt_for(row.pk, sample), "sampled_at": refused.at}
    if changes:
        CallbackRefusal.objects.filter(pk=row.pk).update(**changes)


def _of_no_suite() -> QuerySet[CallbackRefusal]:
    return CallbackRefusal.objects.filter(suite__isnull=True)


def _sample(refused: RefusedRequest) -> bytes | None:
    kept = {"query": refused.query, "body": refused.body.decode("utf-8", "replace")}
    sample = json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace")
    return sample if len(sample) <= MAX_SAMPLE_BYTES else None


refusal_log = RefusalLog()
