"""
No suite has all threads of a process: three quarters are the most, and the others are kept free.

What comes beyond stands aside in this process, and goes on in the thread of the suite's first that ends. So a
suite whose calls hang, or that has a thousand companies at once, delays nobody else, and no thread of its own
waits for work. Nothing is lost with a process that dies: what is due is in the database.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable
from threading import Lock
from time import monotonic
from uuid import UUID

from dingtalk.work import AGAIN_AFTER_SECONDS

logger = logging.getLogger(__name__)

Job = Callable[[], None]


class FairShare:
    """One instance serves all threads of a process; `threads`: how many work in it."""

    def __init__(self, *, threads: Callable[[], int], clock: Callable[[], float] = monotonic) -> None:
        self._threads = threads
        self._clock = clock
        self._lock = Lock()
        self._running: Counter[UUID] = Counter()
        self._aside: dict[UUID, deque[tuple[float, Job]]] = {}

    def run(self, suite_id: UUID | None, job: Job) -> None:
        """Do a suite's job, and what stood aside meanwhile; or let it stand aside, and return at once."""
        if suite_id is None or not self._enter(suite_id, job):
            return
        try:
            job()
        finally:
            while (waiting := self._next(suite_id)) is not None:
                try:
                    waiting()
                except Exception:
                    # What failed is still in the database, due again.
                    logger.exception("work_that_stood_aside_failed", extra={"suite_id": str(suite_id)})

    def _enter(self, suite_id: UUID, job: Job) -> bool:
        with self._lock:
            if self._running[suite_id] >= max(1, self._threads() * 3 // 4):
                self._aside.setdefault(suite_id, deque()).append((self._clock(), job))
                return False
            self._running[suite_id] += 1
            return True

    def _next(self, suite_id: UUID) -> Job | None:
        """Return what stood aside; what did so for long has been handed out again by the dispatcher."""
        too_old = self._clock() - AGAIN_AFTER_SECONDS
        with self._lock:
            aside = self._aside.get(suite_id, deque())
            while aside:
                since, job = aside.popleft()
                if since > too_old:
                    return job
            self._aside.pop(suite_id, None)
            self._running[suite_id] -= 1
            if not self._running[suite_id]:
                del self._running[suite_id]
            return None
