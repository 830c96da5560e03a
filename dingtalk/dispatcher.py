"""
The dispatcher: finds what there is to do and sees that it is done.

It splits received pushes, gives events their places in the feed, and for each row that has something due it
publishes a task, so that many workers share the work. It needs nobody: without a broker, or when nobody takes
the tasks, it does the work itself. Any number of dispatchers may run; they pass over what another one holds.
"""

import logging
from collections.abc import Callable
from functools import partial
from threading import Event
from time import monotonic

from django.conf import settings
from django.db import connection

from dingtalk import feed
from dingtalk.local_workers import LocalWorkers
from dingtalk.outages import Pulse
from dingtalk.publisher import Publisher
from dingtalk.split_queue import Splitter
from dingtalk.work import Progress, WorkQueue, progress_of, registered_queues

POLL_SECONDS = 0.2
# What was handled may have made something due, and what came may not be alone.
ACTIVE_POLL_SECONDS = 0.05
STAY_ACTIVE_SECONDS = 2.0
# Without the database there is nothing to do but to ask for it, ever more seldom.
LONGEST_PAUSE_SECONDS = 5.0
BATCH = 50
logger = logging.getLogger(__name__)


class Dispatcher:
    """One dispatcher process. `run` until it is told to stop, or `run_once` for a single turn."""

    def __init__(
        self,
        *,
        publisher: Publisher | None = None,
        workers: LocalWorkers | None = None,
        note_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """`note_progress`: called after each step that succeeded."""
        self._publisher = publisher or Publisher()
        self._workers = workers or LocalWorkers(threads=settings.WORKER_THREADS)
        self._pulse = Pulse()
        self._note_progress = note_progress
        self._failing: set[str] = set()
        self._splitter = Splitter()

    def run(self, stop: Event) -> None:
        """Take turns until `stop` is set, then let what was begun here end."""
        logger.info("dispatcher_started")
        pause = POLL_SECONDS
        active_until = 0.0
        while not stop.is_set():
            progress = self.run_once()
            if progress:
                active_until = monotonic() + STAY_ACTIVE_SECONDS
            if self._failing:
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                pause = ACTIVE_POLL_SECONDS if monotonic() < active_until else POLL_SECONDS
            stop.wait(0 if progress is Progress.MORE and not self._failing else pause)
        self.close(drop_waiting=True)
        logger.info("dispatcher_stopped")

    def run_once(self) -> Progress:
        """Do one turn; return what came of it. Raises nothing: it has to go on."""
        steps: list[tuple[str, Callable[[], Progress]]] = [
            ("sign_of_life", self._beat),
            ("split", self._split_waiting),
            ("feed", self._number_events),
        ]
        steps += [(queue.name, partial(self._dispatch, queue)) for queue in registered_queues()]
        return max(self._attempt(name, work) for name, work in steps)

    def close(self, *, drop_waiting: bool) -> None:
        """Wait for the work in this process; `drop_waiting`: not for what has not begun, it stays due."""
        self._publisher.close()
        self._workers.close(drop_waiting=drop_waiting)

    def _attempt(self, step: str, work: Callable[[], Progress]) -> Progress:
        """Take a step; one that fails is reported when it begins to fail and when it is well again."""
        try:
            progress = work()
        except Exception:
            if step not in self._failing:
                logger.exception("dispatcher_failing", extra={"step": step})
            self._failing.add(step)
            connection.close()
            return Progress.NONE
        self._note_progress()
        if step in self._failing:
            self._failing.discard(step)
            logger.info("dispatcher_recovered", extra={"step": step})
        return progress

    def _beat(self) -> Progress:
        self._pulse.beat()
        return Progress.NONE

    def _number_events(self) -> Progress:
        return Progress.MORE if feed.number_events() else Progress.NONE

    def _split_waiting(self) -> Progress:
        return self._splitter.split_some()

    def _dispatch(self, queue: WorkQueue) -> Progress:
        limit = BATCH if self._publisher.is_open else min(BATCH, self._workers.free)
        rows = queue.claim_due(limit) if limit else []
        # What was dispatched before and is still due was not taken: publishing again may not help.
        fresh = [row.id for row in rows if not row.was_dispatched]
        taken = self._publisher.publish(queue, fresh) if fresh else 0
        for row_id in [row.id for row in rows if row.was_dispatched] + fresh[taken:]:
            self._workers.submit(queue, row_id)
        return progress_of(len(rows), limit)
