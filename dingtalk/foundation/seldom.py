"""What is worth doing now and then only, however often there is an occasion."""

from threading import Lock
from time import monotonic


class Seldom:
    """Says yes at most once in so many seconds; safe between threads."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._not_before = 0.0

    def is_due(self) -> bool:
        """Tell whether it is time; a yes is for one caller."""
        with self._lock:
            now = monotonic()
            if now < self._not_before:
                return False
            self._not_before = now + self._seconds
            return True
