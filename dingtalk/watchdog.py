"""
A process that is up but does nothing ends itself, so that its supervisor starts a new one.

What counts is progress: the work itself calls `note_progress`. Two threads stand beside it. One tells the
database about it, and whatever else has to answer, every few seconds. The other one looks once a second how
long there was none. As long as the others do not answer, nobody can make progress, and a restart would help
nobody: then it waits. Time in which the process was frozen does not count either; whoever watches it
from outside sees that its file is not touched (`dingtalk.heartbeat_files`).
"""

import atexit
import faulthandler
import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import connection

from dingtalk import heartbeat_files, heartbeats
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.silence import Silence
from dingtalk.heartbeat_files import SILENT_SECONDS
from dingtalk.models import ProcessKind

REPORT_SECONDS = 5.0
LOOK_SECONDS = 1.0
# Whoever has not answered by then does not answer.
ANSWER_SECONDS = 5.0
# EX_SOFTWARE
EXIT_STATUS = 70
_LAST_WORDS_SECONDS = 2.0

logger = logging.getLogger(__name__)


def end_process(kind: ProcessKind, silent_seconds: float) -> None:
    """Say why, show where each thread stands, and end at once; whatever hangs must not keep us from it."""
    last_words = Thread(target=_say_last_words, args=(kind, silent_seconds), daemon=True)
    last_words.start()
    last_words.join(_LAST_WORDS_SECONDS)
    os._exit(EXIT_STATUS)


def _say_last_words(kind: ProcessKind, silent_seconds: float) -> None:
    logger.critical("no_progress", extra={"kind": kind.value, "silent_seconds": round(silent_seconds)})
    faulthandler.dump_traceback(all_threads=True)


def watch(
    kind: ProcessKind, *, stop: Event | None = None, ask_others: Callable[[UUID], None] | None = None
) -> "Watchdog":
    """Watch this process until it ends or `stop` is set; see `Watchdog`."""
    watchdog = Watchdog(kind, data_dir=settings.DATA_DIR, stop=stop, ask_others=ask_others)
    watchdog.start()
    return watchdog


class Watchdog:
    """Watches the process that it is in."""

    def __init__(
        self,
        kind: ProcessKind,
        *,
        data_dir: Path,
        stop: Event | None = None,
        ask_others: Callable[[UUID], None] | None = None,
        end: Callable[[ProcessKind, float], None] = end_process,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """
        `data_dir`: where its file is. `stop`: set when the process was told to end; what it finishes then may
        take its time. `ask_others`: is given `id`, and raises when
        something beside the database, without which there is no progress, does not answer.
        """
        self.id = new_id()
        self._kind = kind
        self._data_dir = data_dir
        self._file = heartbeat_files.heartbeat_file(data_dir, kind, os.getpid())
        self._ask_others = ask_others
        self._end = end
        self._clock = clock
        self._silence = Silence(clock=clock)
        self._progress_at = clock()
        self._asking_since: float | None = None
        self._obstacle = ""
        self._is_waiting = False
        self._has_no_file = False
        self._stop = stop or Event()
        self._reporter = Thread(target=self._keep_reporting, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Watch from now on, until the process ends or `stop` is called."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        heartbeat_files.remove_forgotten_files(self._data_dir, self._kind)
        self._touch()
        self._reporter.start()
        Thread(target=self._keep_looking, name="watchdog", daemon=True).start()
        atexit.register(self.close)

    def close(self) -> None:
        """Watch no more, and give the row a moment to be told."""
        self._stop.set()
        self._reporter.join(_LAST_WORDS_SECONDS)
        self._file.unlink(missing_ok=True)

    def note_progress(self) -> None:
        """Take note that the process has done some of what it is for."""
        self._progress_at = self._clock()
        self._silence.hear()

    def report(self) -> None:
        """Tell the database, and ask the others; raises nothing."""
        self._asking_since = self._clock()
        try:
            ago = self._clock() - self._progress_at
            heartbeats.write_row(self.id, self._kind, progress_seconds_ago=ago)
            if self._ask_others is not None:
                self._ask_others(self.id)
            self._obstacle = ""
        except Exception as error:  # noqa: BLE001 - each library has errors of its own, and all mean the same
            self._obstacle = type(error).__name__
        finally:
            # A connection that is opened anew says more about the database than one that was kept.
            connection.close()
        self._asking_since = None

    def look(self) -> None:
        """Judge whether the process is well; end it when it is not."""
        obstacle = self._what_is_in_the_way()
        silent_seconds = self._silence.seconds()
        if obstacle:
            self._silence.hear()
        elif silent_seconds > SILENT_SECONDS:
            self._end(self._kind, silent_seconds)
            return
        self._say_whether_it_waits(obstacle)
        self._touch()

    def _what_is_in_the_way(self) -> str:
        since = self._asking_since
        if since is not None and self._clock() - since > ANSWER_SECONDS:
            return "no answer"
        return self._obstacle

    def _say_whether_it_waits(self, obstacle: str) -> None:
        if bool(obstacle) == self._is_waiting:
            return
        self._is_waiting = bool(obstacle)
        if obstacle:
            logger.warning("watchdog_waits", extra={"kind": self._kind.value, "error": obstacle})
        else:
            logger.info("watchdog_watches_again", extra={"kind": self._kind.value})

    def _touch(self) -> None:
        try:
            self._file.touch()
        except OSError as error:
            # Whoever watches from outside will take us for frozen.
            if not self._has_no_file:
                logger.warning("heartbeat_file_not_touched", extra={"error": error.strerror})
            self._has_no_file = True
        else:
            self._has_no_file = False

    def _keep_reporting(self) -> None:
        while True:
            self.report()
            if self._stop.wait(REPORT_SECONDS):
                break
        try:
            heartbeats.note_end(self.id)
        except Exception:
            # Its row will look like that of a process that was killed.
            logger.warning("heartbeat_not_ended", exc_info=True)
        finally:
            connection.close()

    def _keep_looking(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()
