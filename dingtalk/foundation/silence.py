"""How long nothing was heard of somebody."""

from collections.abc import Callable
from time import monotonic

# Whoever looks this much later than before was asleep as well: frozen, or the whole machine was.
LISTENER_WAS_AWAY_SECONDS = 5.0


class Silence:
    """
    Counts the seconds since something was heard, for a listener that looks about once a second.

    Time in which the listener itself did not run does not count: it could have heard nothing.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """`clock`: seconds that only grow; the time of day can be set back and forth."""
        self._clock = clock
        self._began_at = self._looked_at = clock()

    def hear(self) -> None:
        """Begin anew."""
        self._began_at = self._clock()

    def seconds(self) -> float:
        """Look: return for how long it has been silent."""
        now = self._clock()
        away, self._looked_at = now - self._looked_at, now
        if away > LISTENER_WAS_AWAY_SECONDS:
            self._began_at = min(self._began_at + away, now)
        return now - self._began_at
