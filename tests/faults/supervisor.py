"""Starts again what has died, half a second later, as a supervisor of a machine does."""

import threading
import time

from tests.journeys.processes import Process

RESTART_SECONDS = 0.5
_LOOK_SECONDS = 0.05


class Supervisor:
    """A thread that looks after processes until it is closed; those on hold are left alone."""

    def __init__(self, processes: dict[str, Process], *, never: frozenset[str] = frozenset()) -> None:
        """`never`: names that are no matter of it."""
        self._processes = processes
        self._held: set[str] = set(never)
        self._dead_since: dict[str, float] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self.restarts: list[tuple[float, str]] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hold(self, name: str) -> None:
        """Do not start it again until `let_go`."""
        with self._lock:
            self._held.add(name)

    def let_go(self, name: str) -> None:
        """Look after it again."""
        with self._lock:
            self._held.discard(name)

    def close(self) -> None:
        """Start nothing again from now on."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            with self._lock:
                watched = [(name, each) for name, each in self._processes.items() if name not in self._held]
                for name, process in watched:
                    self._tend(name, process)

    def _tend(self, name: str, process: Process) -> None:
        if process.is_running:
            self._dead_since.pop(name, None)
            return
        since = self._dead_since.setdefault(name, time.monotonic())
        if time.monotonic() - since >= RESTART_SECONDS:
            # What is left of its group must not hold the port of the next one.
            process.kill()
            process.start()
            self.restarts.append((time.time(), name))
            self._dead_since.pop(name, None)
