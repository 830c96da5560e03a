"""
How many callers of one process may wait for DingTalk at a time, whatever they wait for.

The threads that are left serve what DingTalk has no part in, however long it hangs. There is one bound, for
several would add up to all threads there are.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from django.conf import settings

from tenants.errors import TokenUnavailable

RETRY_AFTER_SECONDS = 1


class WaitingRoom:
    """A bound on callers that wait; `seats` is asked once, when the first of them comes."""

    def __init__(self, *, seats: Callable[[], int]) -> None:
        self._count_seats = seats

    @cached_property
    def _seats(self) -> threading.BoundedSemaphore:
        return threading.BoundedSemaphore(self._count_seats())

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait in here; raises TokenUnavailable at once when all places are taken."""
        if not self._seats.acquire(blocking=False):
            raise TokenUnavailable(
                "Too many callers wait for DingTalk.", retry_after_seconds=RETRY_AFTER_SECONDS
            )
        try:
            yield
        finally:
            self._seats.release()


def count_seats() -> int:
    """Return TOKEN_MAX_WAITERS, but never more than half of the threads of a web process."""
    return max(1, min(int(settings.TOKEN_MAX_WAITERS), int(settings.WEB_THREADS) // 2))


WAITING_ROOM = WaitingRoom(seats=count_seats)
_mine = threading.local()


@contextmanager
def place_to_wait() -> Iterator[None]:
    """
    Wait for DingTalk in here; raises TokenUnavailable at once when all places of the process are taken.

    A thread takes one place, also when what it waits for has to wait for something else.
    """
    if getattr(_mine, "is_taken", False):
        yield
        return
    with WAITING_ROOM.place():
        _mine.is_taken = True
        try:
            yield
        finally:
            _mine.is_taken = False
