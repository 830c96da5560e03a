"""
How many requests a key has made in the current minute, in the whole fleet, without asking Redis each time.

Each process counts for itself and tells the shared cache what it counted, at most five times a second for a
key; what comes back is what all have told. Near the limit each request is told at once. So the limit is
exact, except for what other processes let through in the 200 ms before they tell it: with n processes
that serve r requests a second of one key each, at most (n - 1) · r / 5 beyond nine tenths of the limit.
"""

import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

from tenants import limits

WINDOW_SECONDS = 60
TELL_EVERY_SECONDS = 0.2
# From this part of the limit on every request is told at once.
NEAR_THE_LIMIT = 0.9
_MOST_KEYS = 10_000


@dataclass
class _Minute:
    """What one process knows of one key's requests in one minute."""

    number: int
    told: int = 0
    """All that the fleet has told, as last heard."""
    on_its_way: int = 0
    untold: int = 0
    last_told: float = field(default=float("-inf"))

    @property
    def hits(self) -> int:
        return self.told + self.on_its_way + self.untold


class RequestCounts:
    """The counts of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: dict[UUID, _Minute] = {}

    def count(self, key_id: UUID, *, most: int) -> limits.Count:
        """Count one more request of a key that may make `most` a minute; more than that are not told."""
        now = time.time()
        with self._lock:
            minute = self._minute(key_id, int(now // WINDOW_SECONDS))
            if minute.told > most:
                return self._counted(minute, now)
            minute.untold += 1
            telling = minute.untold if self._is_due(minute, most, now) else 0
            minute.untold -= telling
            minute.on_its_way += telling
        if telling:
            self._tell(key_id, minute, telling)
        return self._counted(minute, now)

    def _minute(self, key_id: UUID, number: int) -> _Minute:
        minute = self._minutes.get(key_id)
        if minute is None or minute.number != number:
            if len(self._minutes) >= _MOST_KEYS:
                self._minutes.clear()
            minute = self._minutes[key_id] = _Minute(number)
        return minute

    def _is_due(self, minute: _Minute, most: int, now: float) -> bool:
        # A clock that was put back makes none wait.
        if minute.hits < NEAR_THE_LIMIT * most and 0 <= now - minute.last_told < TELL_EVERY_SECONDS:
            return False
        minute.last_told = now
        return True

    def _tell(self, key_id: UUID, minute: _Minute, hits: int) -> None:
        """Add to the shared count; the lock is free meanwhile, for Redis may take its time."""
        heard = limits.count(f"requests:{key_id}", window_seconds=WINDOW_SECONDS, by=hits)
        with self._lock:
            minute.on_its_way -= hits
            # While the shared cache is away, or has forgotten, what was heard before still counts.
            minute.told = max(minute.told + hits, heard.hits)

    def _counted(self, minute: _Minute, now: float) -> limits.Count:
        return limits.Count(
            hits=minute.hits, seconds_left=limits.seconds_left(now, window_seconds=WINDOW_SECONDS)
        )


_counts = RequestCounts()


def count_request(key_id: UUID, *, most: int) -> limits.Count:
    """Count one more request of a key that may make `most` a minute, and return how many there were."""
    return _counts.count(key_id, most=most)
