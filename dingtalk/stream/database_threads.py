"""Threads for what asks the database: the event loop itself never waits for it."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

from django.db import close_old_connections, connection

THREADS = 8
_CLOSING_SECONDS = 2.0

ResultT = TypeVar("ResultT")


class DatabaseThreads:
    """A few threads, each with a connection of its own that lives as long as Django's settings say."""

    def __init__(self, *, threads: int = THREADS) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="stream-database")

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Run a function in one of the threads; its result or its error is ours."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _run, work)

    def close(self) -> None:
        """Wait for what was begun, and close every thread's connection."""
        everyone = Barrier(self._threads)
        for _ in range(self._threads):
            self._executor.submit(_close_connection, everyone)
        self._executor.shutdown(wait=True)


def _run(work: Callable[[], ResultT]) -> ResultT:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def _close_connection(everyone: Barrier) -> None:
    """Each thread waits for the others, so that none does this twice."""
    with contextlib.suppress(BrokenBarrierError):
        everyone.wait(_CLOSING_SECONDS)
    connection.close()
