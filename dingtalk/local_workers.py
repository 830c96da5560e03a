"""A few threads that do the work when no worker does."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from uuid import UUID

from django.db import connection

from dingtalk.work import WorkQueue

# Begun or about to begin; rows beyond are left in the database, for whoever has time.
MAX_ACCEPTED = 50

logger = logging.getLogger(__name__)


class LocalWorkers:
    """A pool that takes on a bounded number of rows, each at most once at a time."""

    def __init__(self, *, threads: int, max_accepted: int = MAX_ACCEPTED) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="local-worker")
        self._max_accepted = max_accepted
        self._accepted: set[tuple[str, UUID]] = set()
        self._lock = Lock()

    @property
    def free(self) -> int:
        """How many more rows would be taken on."""
        with self._lock:
            return self._max_accepted - len(self._accepted)

    def submit(self, queue: WorkQueue, row_id: UUID) -> bool:
        """Work a row soon; False when it is at work already or there is no room."""
        with self._lock:
            if (queue.name, row_id) in self._accepted or len(self._accepted) >= self._max_accepted:
                return False
            self._accepted.add((queue.name, row_id))
        self._executor.submit(self._work, queue, row_id)
        return True

    def close(self, *, drop_waiting: bool) -> None:
        """Take on nothing more and wait for the work; `drop_waiting`: not for what has not begun yet."""
        self._executor.shutdown(wait=True, cancel_futures=drop_waiting)

    def _work(self, queue: WorkQueue, row_id: UUID) -> None:
        try:
            queue.run(row_id)
        except Exception:
            # What failed is still in the database, due again.
            logger.exception("local_work_failed", extra={"queue": queue.name, "row_id": str(row_id)})
        finally:
            connection.close()
            with self._lock:
                self._accepted.discard((queue.name, row_id))
