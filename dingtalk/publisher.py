"""Publishing tasks without ever being held up by the broker."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from uuid import UUID

from dingtalk.work import WorkQueue

TIMEOUT_SECONDS = 1.0
PAUSE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Publisher:
    """
    Publishes from a thread of its own, so that a broker that hangs costs one time-out, not the dispatcher.

    After a failure it leaves the broker alone for a while, and as long as a call hangs.
    """

    def __init__(
        self, *, timeout_seconds: float = TIMEOUT_SECONDS, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._pause_seconds = pause_seconds
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publisher")
        self._last: Future[None] | None = None
        self._closed_until = 0.0
        self._is_failing = False

    @property
    def is_open(self) -> bool:
        """Whether the next task would be offered to the broker."""
        return monotonic() >= self._closed_until and (self._last is None or self._last.done())

    def publish(self, queue: WorkQueue, row_id: UUID) -> bool:
        """Send a row's task; return whether the broker has taken it in time."""
        if not self.is_open:
            return False
        self._last = self._executor.submit(queue.publish, row_id)
        try:
            self._last.result(timeout=self._timeout_seconds)
        except Exception as error:  # noqa: BLE001 - each broker has errors of its own, and all mean the same
            self._note_failure(queue, error)
            return False
        if self._is_failing:
            logger.info("broker_recovered")
        self._is_failing = False
        return True

    def close(self) -> None:
        """Publish nothing more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _note_failure(self, queue: WorkQueue, error: Exception) -> None:
        self._closed_until = monotonic() + self._pause_seconds
        if not self._is_failing:
            logger.warning("broker_failing", extra={"queue": queue.name, "error": type(error).__name__})
        self._is_failing = True
