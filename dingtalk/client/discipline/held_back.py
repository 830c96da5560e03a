"""Counting and logging the calls that were not sent: under a ban they are many, and one line says it."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from dingtalk.client.discipline.scopes import Party
from dingtalk.protocol.errors import HeldBack

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 10.0


class HeldBackCalls:
    """How many there were in this process, by reason and scope; at most one line for each in ten seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._unsaid: Counter[tuple[str, str]] = Counter()
        self._said_at: dict[tuple[str, str], float] = {}

    def note(self, error: HeldBack, party: Party) -> None:
        """Count one more, and say so when it was not said lately."""
        kind = (str(error.reason), error.scope)
        with self._lock:
            now = self._clock()
            self._counts[kind] += 1
            self._unsaid[kind] += 1
            if now - self._said_at.get(kind, -math.inf) < LOG_EVERY_SECONDS:
                return
            self._said_at[kind] = now
            calls = self._unsaid.pop(kind)
        logger.warning(
            "Calls to DingTalk are held back.",
            extra={
                "reason": kind[0],
                "scope": kind[1],
                "calls": calls,
                "retry_after_seconds": round(error.retry_after_seconds, 3),
                "endpoint": error.endpoint,
                "suite_key": party.suite_key,
                "corp_id": party.corp_id,
            },
        )

    def counts(self) -> dict[str, int]:
        """Return how many calls this process has held back, by reason."""
        by_reason: Counter[str] = Counter()
        with self._lock:
            for (reason, _scope), calls in self._counts.items():
                by_reason[reason] += calls
        return dict(by_reason)
