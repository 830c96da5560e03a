"""
One process that the supervisor starts: in a group of its own, which ends as a whole.

Whatever the process has started is in its group too. The group is ended before the process is reaped, so
that its id cannot have gone to somebody else.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ProcessSpec:
    """
    What to run, under which name it is reported, and in which folder it runs.

    `env`: its environment, or ours when None. `log`: the file that its output is added to, or ours.
    `is_wanted`: whether to start it now, asked again and again until it is; None: always.
    `heartbeat`: the file that the process with the given id touches while it is well; None: it has none.
    """

    name: str
    command: Sequence[str]
    folder: Path | None = None
    env: Mapping[str, str] | None = None
    log: Path | None = None
    is_wanted: Callable[[], bool] | None = None
    heartbeat: Callable[[int], Path] | None = None


class ChildProcess:
    """A running process of ours; see the module's docstring."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.name = spec.name
        self.started_at = time.monotonic()
        with _opened_log(spec) as log:
            self._process = subprocess.Popen(  # noqa: S603 - commands of ours, no shell
                list(spec.command),
                cwd=spec.folder,
                env=spec.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_follow_parent_into_death(os.getpid()),
            )
        self.pid = self._process.pid

    @property
    def lifetime_seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started_at

    def has_ended(self) -> bool:
        """Whether the process has ended; it is not reaped yet."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process, which knows how to end what it has started."""
        if not self.has_ended():
            os.kill(self.pid, signal.SIGTERM)

    def end_group(self) -> int:
        """Kill what is left of the group, reap the process; returns its exit code, or minus the signal."""
        if self._process.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        return int(self._process.returncode)


def _opened_log(spec: ProcessSpec) -> AbstractContextManager[IO[bytes] | None]:
    return spec.log.open("ab") if spec.log else nullcontext()


def _follow_parent_into_death(parent_pid: int) -> Callable[[], None] | None:
    """
    On Linux, have the kernel send SIGTERM to the child when the supervisor is gone, even if it was killed.

    Elsewhere a supervisor that was killed leaves its children; one that is told to end never does.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent_pid:
            # The supervisor died before the kernel knew.
            os.kill(os.getpid(), signal.SIGTERM)

    return in_child
