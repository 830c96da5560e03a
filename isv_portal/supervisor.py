"""
Starts processes, starts again what ends, and ends all of them together.

A process that keeps ending is started after growing pauses. SIGTERM and SIGINT are passed on; who has not
ended after the grace time is killed, and a second signal kills at once. A process that gives no sign of life
is killed and started again: it may be frozen, and cannot end by itself.
"""

import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType

from isv_portal.child_process import ChildProcess, ProcessSpec
from isv_portal.heartbeat_watch import HeartbeatWatch

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# Who ran this long was well: its next end counts as the first.
SETTLED_SECONDS = 60.0
GRACE_SECONDS = 15.0
_POLL_SECONDS = 0.1


@dataclass
class _Slot:
    """The place of one process: the one that runs, or when the next one starts."""

    spec: ProcessSpec
    child: ChildProcess | None = None
    watch: HeartbeatWatch | None = None
    pause_seconds: float = FIRST_PAUSE_SECONDS
    start_at: float = 0.0

    @property
    def is_wanted(self) -> bool:
        return self.spec.is_wanted is None or self.spec.is_wanted()


class Supervisor:
    """Watches a fixed set of processes until it is told to end."""

    def __init__(self, specs: Iterable[ProcessSpec], *, report: Callable[[str], None]) -> None:
        """`report` is given one line for each start and end."""
        self._slots = [_Slot(spec) for spec in specs]
        self._report = report
        self._signals_received = 0

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; no process of ours is left when this returns, however it does."""
        previous = {number: signal.signal(number, self._on_signal) for number in _END_SIGNALS}
        try:
            while not self._signals_received:
                self._tend()
                time.sleep(_POLL_SECONDS)
        finally:
            self._end_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals_received += 1

    def _tend(self) -> None:
        for slot in self._slots:
            if slot.child is not None and slot.child.has_ended():
                self._bury(slot)
            elif slot.watch is not None and slot.watch.is_silent():
                self._report(f"{slot.spec.name} gives no sign of life")
                self._bury(slot)
            if slot.child is None and time.monotonic() >= slot.start_at and slot.is_wanted:
                self._start(slot)

    def _start(self, slot: _Slot) -> None:
        slot.child = ChildProcess(slot.spec)
        heartbeat = slot.spec.heartbeat
        slot.watch = HeartbeatWatch(heartbeat(slot.child.pid)) if heartbeat else None
        self._report(f"{slot.spec.name} started (pid {slot.child.pid})")

    def _bury(self, slot: _Slot) -> None:
        child, slot.child, slot.watch = slot.child, None, None
        if child is None:
            return
        if child.lifetime_seconds >= SETTLED_SECONDS:
            slot.pause_seconds = FIRST_PAUSE_SECONDS
        slot.start_at = time.monotonic() + slot.pause_seconds
        ending = _describe_ending(child.end_group())
        self._report(f"{child.name} {ending} (pid {child.pid}), starting again in {slot.pause_seconds:g} s")
        slot.pause_seconds = min(slot.pause_seconds * 2, LONGEST_PAUSE_SECONDS)

    def _end_all(self) -> None:
        children = [slot.child for slot in self._slots if slot.child is not None]
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE_SECONDS
        while children and time.monotonic() < deadline and self._signals_received < 2:
            for child in [child for child in children if child.has_ended()]:
                self._report(f"{child.name} {_describe_ending(child.end_group())} (pid {child.pid})")
                children.remove(child)
            time.sleep(_POLL_SECONDS)
        for child in children:
            child.end_group()
            self._report(f"{child.name} did not end in time and was killed (pid {child.pid})")


_END_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _describe_ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
