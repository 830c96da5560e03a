"""
How many callers of one process may wait for DingTalk at a time.

The threads that are left serve what DingTalk has no part in, however long it hangs.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from tenants.errors import TokenUnavailable


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
            raise TokenUnavailable("Too many callers wait for DingTalk.", retry_after_seconds=1)
        try:
            yield
        finally:
            self._seats.release()
