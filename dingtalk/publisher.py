"""Publishing tasks without ever being held up by the broker."""

import logging
from collections.abc import Sequence
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

    def publish(self, queue: WorkQueue, row_ids: Sequence[UUID]) -> int:
        """Send a task for each row, in order; return how many the broker has taken in time."""
        if not self.is_open:
            return 0
        taken: list[UUID] = []
        self._last = self._executor.submit(_publish_each, queue, row_ids, taken)
        try:
            self._wait_while_it_goes_on(self._last, taken)
        except Exception as error:  # noqa: BLE001 - each broker has errors of its own, and all mean the same
            self._note_failure(queue, error)
            return len(taken)
        if self._is_failing:
            logger.info("broker_recovered")
        self._is_failing = False
        return len(taken)

    def _wait_while_it_goes_on(self, sending: Future[None], taken: Sequence[UUID]) -> None:
        """Raise TimeoutError when no task was taken for the time that one may need."""
        before = -1
        while len(taken) > before:
            before = len(taken)
            try:
                return sending.result(timeout=self._timeout_seconds)
            except TimeoutError:
                if sending.done():
                    raise
        raise TimeoutError

    def close(self) -> None:
        """Publish nothing more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _note_failure(self, queue: WorkQueue, error: Exception) -> None:
        self._closed_until = monotonic() + self._pause_seconds
        if not self._is_failing:
            logger.warning("broker_failing", extra={"queue": queue.name, "error": type(error).__name__})
        self._is_failing = True


def _publish_each(queue: WorkQueue, row_ids: Sequence[UUID], taken: list[UUID]) -> None:
    for row_id in row_ids:
        queue.publish(row_id)
        taken.append(row_id)
