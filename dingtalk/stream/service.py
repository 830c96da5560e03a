"""All suites of Stream mode in one process; suites that are added, changed or removed are noticed."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from django.db import Error as DatabaseError

from dingtalk.foundation.processes import process_name
from dingtalk.models import PushMode, Suite
from dingtalk.stream.database_threads import DatabaseThreads
from dingtalk.stream.suite_runner import LEASE_SECONDS, Place, SuiteRunner

LOOK_AT_SUITES_SECONDS = 2.0
_HOLDER_LENGTH = 100

logger = logging.getLogger(__name__)


class StreamService:
    """Runs a `SuiteRunner` for each suite; any number of these may run on any number of machines."""

    def __init__(self, *, lease_seconds: float = LEASE_SECONDS) -> None:
        """`lease_seconds`: how long after the death of this process another one connects its suites."""
        self._place = Place(
            holder=process_name(max_length=_HOLDER_LENGTH),
            threads=DatabaseThreads(),
            lease_seconds=lease_seconds,
        )
        self._running: dict[UUID, tuple[int, asyncio.Task[None]]] = {}
        self._is_failing = False

    async def run(self, stop: asyncio.Event, *, note_progress: Callable[[], None] = lambda: None) -> None:
        """
        Run until `stop` is set; then close every connection and give every lease back.

        `note_progress`: called each time that the suites were looked at.
        """
        logger.info("stream_started")
        try:
            while not stop.is_set():
                await self._follow_suites()
                note_progress()
                await _wait(stop, seconds=LOOK_AT_SUITES_SECONDS)
        finally:
            await self._end(list(self._running))
            self._place.threads.close()
            logger.info("stream_stopped")

    async def _follow_suites(self) -> None:
        """Run what is to be run: each suite as of its current version, and no other."""
        try:
            wanted = await self._place.threads.run(_versions)
        except DatabaseError:
            if not self._is_failing:
                logger.exception("stream_suites_not_read")
            self._is_failing = True
            return
        self._is_failing = False
        await self._end([pk for pk, (version, _) in self._running.items() if wanted.get(pk) != version])
        for suite_id, version in wanted.items():
            if suite_id not in self._running:
                runner = SuiteRunner(suite_id, place=self._place)
                self._running[suite_id] = version, asyncio.create_task(runner.run())

    async def _end(self, suite_ids: list[UUID]) -> None:
        tasks = [self._running.pop(suite_id)[1] for suite_id in suite_ids]
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                # Its lease could not be given back: it runs out.
                logger.warning("stream_suite_ended_badly", extra={"reason": type(outcome).__name__})


def _versions() -> dict[UUID, int]:
    return dict(Suite.objects.filter(push_mode=PushMode.STREAM).values_list("pk", "version"))


async def _wait(stop: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
