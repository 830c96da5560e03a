"""Whether the portal has to run the process of Stream mode: only when a suite wants it, and it can run."""

import time
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connection

from dingtalk.stream.extra import INSTALL_COMMAND, is_extra_installed
from dingtalk.stream.leadership import wants_stream

LOOK_SECONDS = 3.0


class StreamWish:
    """Asked by the supervisor many times a second; looks into the database every few seconds."""

    def __init__(self, *, report: Callable[[str], None]) -> None:
        """`report` is given a line when a suite wants what is not installed."""
        self._report = report
        self._next_look = 0.0
        self._is_wanted = False
        self._has_reported = False

    def __call__(self) -> bool:
        """Return whether the process should be started; an answer that cannot be had is the one before."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._look()
        return self._is_wanted

    def _look(self) -> None:
        try:
            wanted = wants_stream()
        except DatabaseError:
            return
        finally:
            connection.close()
        self._is_wanted = wanted and is_extra_installed()
        if wanted and not self._is_wanted and not self._has_reported:
            self._has_reported = True
            self._report(f"stream is not run: a suite has the push mode Stream, but needs {INSTALL_COMMAND}")
