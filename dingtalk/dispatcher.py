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
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from dingtalk import feed
from dingtalk.inbox import split_push
from dingtalk.local_workers import LocalWorkers
from dingtalk.models import ReceivedPush
from dingtalk.outages import Pulse
from dingtalk.publisher import Publisher
from dingtalk.work import WorkQueue, registered_queues

POLL_SECONDS = 0.3
# Without the database there is nothing to do but to ask for it, ever more seldom.
LONGEST_PAUSE_SECONDS = 5.0
BATCH = 50
# A push that cannot be split (its key is missing) must not keep the others waiting.
SPLIT_AGAIN_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Dispatcher:
    """One dispatcher process. `run` until it is told to stop, or `run_once` for a single turn."""

    def __init__(self, *, publisher: Publisher | None = None, workers: LocalWorkers | None = None) -> None:
        self._publisher = publisher or Publisher()
        self._workers = workers or LocalWorkers()
        self._pulse = Pulse()
        self._failing: set[str] = set()
        self._unsplittable: dict[UUID, float] = {}

    def run(self, stop: Event) -> None:
        """Take turns until `stop` is set, then let what was begun here end."""
        logger.info("dispatcher_started")
        pause = POLL_SECONDS
        while not stop.is_set():
            is_busy = self.run_once()
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if self._failing else POLL_SECONDS
            stop.wait(0 if is_busy and not self._failing else pause)
        self.close(drop_waiting=True)
        logger.info("dispatcher_stopped")

    def run_once(self) -> bool:
        """Do one turn; return whether there may be more to do at once. Raises nothing: it has to go on."""
        is_busy = self._attempt("sign_of_life", self._pulse.beat)
        is_busy |= self._attempt("split", self._split_waiting)
        is_busy |= self._attempt("feed", feed.number_events)
        for queue in registered_queues():
            is_busy |= self._attempt(queue.name, partial(self._dispatch, queue))
        return is_busy

    def close(self, *, drop_waiting: bool) -> None:
        """Wait for the work in this process; `drop_waiting`: not for what has not begun, it stays due."""
        self._publisher.close()
        self._workers.close(drop_waiting=drop_waiting)

    def _attempt(self, step: str, work: Callable[[], bool]) -> bool:
        """Take a step; one that fails is reported when it begins to fail and when it is well again."""
        try:
            is_busy = work()
        except Exception:
            if step not in self._failing:
                logger.exception("dispatcher_failing", extra={"step": step})
            self._failing.add(step)
            connection.close()
            return False
        if step in self._failing:
            self._failing.discard(step)
            logger.info("dispatcher_recovered", extra={"step": step})
        return is_busy

    def _split_waiting(self) -> bool:
        now = monotonic()
        self._unsplittable = {push: until for push, until in self._unsplittable.items() if until > now}
        waiting = ReceivedPush.objects.filter(split_at=None).exclude(pk__in=self._unsplittable)
        push_ids = list(waiting.order_by("id").values_list("pk", flat=True)[:BATCH])
        for push_id in push_ids:
            try:
                split_push(push_id, now=timezone.now())
            except DatabaseError:
                raise
            except Exception:
                logger.exception("push_not_split", extra={"push_id": str(push_id)})
                self._unsplittable[push_id] = now + SPLIT_AGAIN_SECONDS
        return len(push_ids) == BATCH

    def _dispatch(self, queue: WorkQueue) -> bool:
        limit = BATCH if self._publisher.is_open else min(BATCH, self._workers.free)
        rows = queue.claim_due(limit) if limit else []
        for row in rows:
            # What was dispatched before and is still due was not taken: publishing again may not help.
            if row.was_dispatched or not self._publisher.publish(queue, row.id):
                self._workers.submit(queue, row.id)
        return len(rows) == limit > 0
