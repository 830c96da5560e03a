"""The simulator's own time, which a test may move."""

import time


class Clock:
    """
    Wall time plus an offset.

    The offset moves everything the platform judges by time: the tolerance of signed requests, the expiry of
    tokens, the timestamps of pushes. Deadlines of pushes are measured on the monotonic clock and do not
    move.
    """

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def now_ms(self) -> int:
        """Unix time in milliseconds, offset included."""
        return int((time.time() + self.offset_seconds) * 1000)
