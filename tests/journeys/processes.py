"""Processes of a journey: each in a group of its own, its output in a file, ended by its own id."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40


class Process:
    """One process, with its log."""

    def __init__(self, name: str, command: list[str], *, env: Mapping[str, str], log_dir: Path) -> None:
        self.name = name
        self.command = command
        self.env = dict(env)
        self.log_path = log_dir / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    def start(self) -> "Process":
        with self.log_path.open("ab") as log:
            self._said_before = log.tell()
            self._popen = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        return self

    @property
    def pid(self) -> int:
        assert self._popen is not None
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        return None if self._popen is None else self._popen.poll()

    @property
    def has_spoken(self) -> bool:
        """Whether it has written something into its log since it was started last."""
        return self.log_path.exists() and self.log_path.stat().st_size > self._said_before

    def stop(self) -> None:
        """Ask the group to end; what does not is killed."""
        self._signal(signal.SIGTERM)
        if self._popen is not None:
            try:
                self._popen.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()
        self._signal(signal.SIGKILL)

    def kill(self) -> None:
        """End the group at once, as a crash would."""
        self._signal(signal.SIGKILL)
        if self._popen is not None:
            self._popen.wait(timeout=15)

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def _signal(self, number: int) -> None:
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)


def manage(*arguments: str) -> list[str]:
    """The command line of a management command."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def run(command: list[str], *, env: Mapping[str, str], stdin: str = "") -> str:
    """Run a command to its end and return its output; a failure shows what it said."""
    done = subprocess.run(
        command, cwd=ROOT, env=dict(env), input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def eventually(look: Callable[[], Any], *, within: float = 20.0, what: str = "") -> Any:
    """Look until there is something to see; return it."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within} s: {what or look}"
        time.sleep(0.1)
