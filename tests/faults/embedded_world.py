"""The portal as one command on SQLite (`manage.py portal`): it looks after its own processes."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.faults.servers import children_of
from tests.faults.small_disk import SmallDisk
from tests.faults.world import SUITES, World
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

    def kill(self, name: str) -> None:
        """`kill -9` a process of the portal with those that it has started."""
        self.note(f"kill -9 {name}")
        pid = self._find(name)
        for each in (pid, *children_of(pid)):
            self._signal(each, signal.SIGKILL)

    def kill_child(self, name: str, choose: Callable[[list[int]], int]) -> None:
        """`kill -9` one process that this one has started, if there is one now."""
        children = children_of(self._find(name))
        if children:
            self.note(f"kill -9 a child of {name}")
            self._signal(choose(sorted(children)), signal.SIGKILL)

    def terminate(self, name: str) -> None:
        """Ask a process to end; the portal starts it again."""
        self.note(f"stop {name}")
        self._signal(self._find(name), signal.SIGTERM)

    def pause(self, name: str) -> None:
        """Freeze a process of the portal."""
        self.note(f"SIGSTOP {name}")
        self._signal(self._find(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on."""
        self.note(f"SIGCONT {name}")
        self._signal(self._find(name), signal.SIGCONT)

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

    def _find(self, name: str) -> int:
        for pid in (*children_of(self.processes["portal"].pid), *self._pids_of_others()):
            command = subprocess.run(
                ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
            )
            if _MARKS[name.removesuffix("-2")] in command.stdout:
                return pid
        raise LookupError(f"the portal has no {name} now")

    def _pids_of_others(self) -> list[int]:
        return [self.processes[each].pid for each in self._others if self.processes[each].is_running]

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
