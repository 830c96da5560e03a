"""The portal as one command on SQLite (`manage.py portal`): it looks after its own processes."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from isv_portal.supervisor import LONGEST_PAUSE_SECONDS
from tests.faults.servers import children_of
from tests.faults.small_disk import SmallDisk
from tests.faults.world import LEASED_TABLES, START_TO_WORK_SECONDS, SUITES, World
from tests.journeys.stack import SEED, Stack

# What the command line of each process of the portal has in it.
_MARKS = {
    "callback": "granian",
    "web": "granian",
    "worker": " worker ",
    "dispatcher": " dispatcher",
    "beat": " beat ",
}


class EmbeddedWorld(World):
    """What `World` is, with a portal of one process group; there are no servers that could die."""

    def kill(self, name: str, *, at_work: bool = False) -> None:
        """
        `kill -9` a process of the portal with those that it has started; the portal starts it again.

        `at_work`: wait until it has been there for a while (all write into one log).
        """
        if at_work:
            time.sleep(START_TO_WORK_SECONDS / 2)
        self.note(f"kill -9 {name}")
        pid = self._wait_for(name)
        for each in (pid, *children_of(pid)):
            self._signal(each, signal.SIGKILL)

    def kill_child(self, name: str, choose: Callable[[list[int]], int]) -> None:
        """`kill -9` one process that this one has started, if there is one now."""
        children = children_of(self._wait_for(name))
        if children:
            self.note(f"kill -9 a child of {name}")
            self._signal(choose(sorted(children)), signal.SIGKILL)

    def terminate(self, name: str) -> None:
        """Ask a process to end; the portal starts it again."""
        self.note(f"stop {name}")
        self._signal(self._wait_for(name), signal.SIGTERM)

    def pause(self, name: str) -> None:
        """Freeze a process of the portal."""
        self.note(f"SIGSTOP {name}")
        self._signal(self._wait_for(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on, if the portal has not replaced it by another one."""
        self.note(f"SIGCONT {name}")
        with contextlib.suppress(LookupError):
            self._signal(self._find(name), signal.SIGCONT)

    def end_leases(self) -> None:
        """End every lease, as the passing of their time would."""
        self.note("all leases end")
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        with contextlib.closing(sqlite3.connect(self.data / "portal.sqlite3", timeout=10)) as connection:
            for table in LEASED_TABLES:
                connection.execute(f"UPDATE {table} SET lease_until = ? WHERE lease_until > ?", [now, now])
            connection.commit()

    def heal(self) -> None:
        """Undo every fault, and wait until the portal is ready."""
        if self.disk:
            self.disk.free()
        self.simulator.clear_faults()
        for name in _MARKS:
            with contextlib.suppress(LookupError):
                self._signal(self._find(name), signal.SIGCONT)
        self._end_others()
        self.wait_until_ready()

    def _start_servers(self) -> None:
        if self.options.disk_megabytes:
            self.disk = SmallDisk(megabytes=self.options.disk_megabytes, note=self.note)

    def _make_stack(self) -> Stack:
        stack = Stack(
            self.folder,
            seed={**SEED, "suites": [each for each in SEED["suites"] if each["suite_key"] in SUITES]},
            environment={**self.environment, "DATA_DIR": str(self.data)},
        )
        self.simulator = stack.simulator
        return stack

    @property
    def data(self) -> Path:
        """The folder of the database."""
        return (self.disk.folder if self.disk else self.folder) / "data"

    def _wait_for(self, name: str) -> int:
        """Return a process, once the portal has started it again."""
        deadline = time.monotonic() + LONGEST_PAUSE_SECONDS + START_TO_WORK_SECONDS
        while True:
            try:
                return self._find(name)
            except LookupError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _find(self, name: str) -> int:
        if name in self._others:
            return self.processes[name].pid
        for pid in children_of(self.processes["portal"].pid):
            command = subprocess.run(
                ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
            )
            if _MARKS[name] in command.stdout:
                return pid
        raise LookupError(f"the portal has no {name} now")

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
