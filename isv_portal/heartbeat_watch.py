"""Whether a process still touches its heartbeat file, seen from outside."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

from dingtalk.foundation.silence import Silence
from dingtalk.heartbeat_files import SILENT_SECONDS

# A process that has not touched its file yet is still starting, perhaps on a busy machine.
START_SECONDS = 90.0


class HeartbeatWatch:
    """Watches one file. Only that it changes counts, not the time it bears: clocks are set back and forth."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = monotonic) -> None:
        self._path = path
        self._silence = Silence(clock=clock)
        self._limit_seconds = START_SECONDS
        # One that is there already is that of a process with the same id, which has ended.
        self._touched_at = self._look()

    def is_silent(self) -> bool:
        """Look; return whether it was not touched for too long."""
        touched_at = self._look()
        if touched_at != self._touched_at:
            self._touched_at = touched_at
            self._limit_seconds = SILENT_SECONDS
            self._silence.hear()
        return self._silence.seconds() > self._limit_seconds

    def _look(self) -> int | None:
        try:
            return self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
