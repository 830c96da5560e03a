"""
Turns at SQLite's one place for a writer.

SQLite's own waiting sleeps longer and longer, up to 100 ms, and whoever came last asks most often: under
load a writer that has waited long is overtaken until its time is over. Here the threads of a process stand
in line for one another, and the first of them asks every few milliseconds.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TypeVar

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

# How long to wait between two tries; by chance, so that two processes do not go in step.
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.001, 0.004
_MILLISECONDS = 1000
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

ResultT = TypeVar("ResultT")
_line = RLock()
_random = random.SystemRandom()


class Turn:
    """The time that one writer has for its turn: `take` what has to be written."""

    def __init__(self, until: float) -> None:
        self._until = until

    def take(self, write: Callable[[], ResultT]) -> ResultT:
        """Do it as soon as no other process writes; raises OperationalError when the time is over."""
        while True:
            try:
                return write()
            except OperationalError as error:
                if not is_locked(error) or time.monotonic() >= self._until:
                    raise
            time.sleep(_random.uniform(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))


@contextmanager
def turn_at_writing(connection: BaseDatabaseWrapper, *, seconds: float) -> Iterator[Turn]:
    """Stand in line for at most so many seconds, and be the only writer of this process inside."""
    until = time.monotonic() + seconds
    if not _line.acquire(timeout=seconds):
        raise OperationalError("database is locked: others of this process write")
    try:
        with _no_waiting_by_itself(connection):
            yield Turn(until)
    finally:
        _line.release()


def is_locked(error: OperationalError) -> bool:
    """Tell whether SQLite has refused because another one writes."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BUSY


@contextmanager
def _no_waiting_by_itself(connection: BaseDatabaseWrapper) -> Iterator[None]:
    connection.ensure_connection()
    usual_seconds = connection.settings_dict["OPTIONS"].get("timeout", 5)
    connection.connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.execute(f"PRAGMA busy_timeout = {int(usual_seconds * _MILLISECONDS)}")
