"""
How long a request had been there before a thread took it.

A server takes requests off the network in its own time, and puts them into a queue when all threads are
busy: a request may be older than its sender waits before the first line of ours runs. No server tells. The
kernel knows when the last byte of a connection came (`tcp_info.tcpi_last_data_recv`), and requests are taken
in the order in which they came: of the connections of this process that have asked and have no answer, the
oldest belong to the requests that run already, and the next one is ours.

Looking costs some microseconds for each connection, so it is done only when there may have been a queue: the
thread goes on without a pause after something slow, or the process as a whole stood still.
Source: Linux, include/uapi/linux/tcp.h
"""

import os
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import NamedTuple

# What lasted longer than this lets a queue grow. Quicker requests leave no room for a long one.
SLOW_SECONDS = 0.02
# Longer than that between two requests, and the thread was idle: so there was no queue.
PAUSE_SECONDS = 0.01
# A watch that ticks later than this was not let run, and neither was anything else.
STANDSTILL_SECONDS = 0.15
# After a standstill what came meanwhile is worked off.
AFTERMATH_SECONDS = 2.0
_TICK_SECONDS = 0.05

_FOLDER = "/proc/self/fd"
_IS_KNOWN_HERE = sys.platform == "linux"
# The beginning of struct tcp_info: the state; numbers of 32 bits, of which last_data_sent is the tenth and
# last_data_recv the twelfth; and numbers of 64 bits, of which bytes_received is the fourth.
_TCP_INFO = struct.Struct("=B7x24I4Q")
_WITH_A_PEER = frozenset(
    {1, 8}
)  # TCP_ESTABLISHED, TCP_CLOSE_WAIT: its peer has gone, it is still in the queue

_started: dict[int, float] = {}
_this_thread = threading.local()


class _Standstill:
    """Notices when this process is not let run: frozen, or with too little of a processor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._ticked_at = 0.0
        self._over_at = 0.0

    def watch(self) -> None:
        """Begin, once in each process."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._ticked_at = time.monotonic()
                self._pid = os.getpid()
                threading.Thread(target=self._tick, name="standstill", daemon=True).start()

    def is_felt(self, now: float) -> bool:
        """Tell whether there is one, or was one lately."""
        return now < self._over_at or now - self._ticked_at > _TICK_SECONDS + STANDSTILL_SECONDS

    def _tick(self) -> None:
        while True:
            now = time.monotonic()
            if now - self._ticked_at > _TICK_SECONDS + STANDSTILL_SECONDS:
                self._over_at = now + AFTERMATH_SECONDS
            self._ticked_at = now
            time.sleep(_TICK_SECONDS)


_standstill = _Standstill()


def begin(port: int) -> None:
    """
    Note that this thread has taken a request, and find out how long that had been there.

    `port`: at which the server listens.
    """
    _standstill.watch()
    now = time.monotonic()
    _started[threading.get_ident()] = now
    _this_thread.waited_seconds = 0.0
    if _IS_KNOWN_HERE and (_comes_from_a_queue(now) or _standstill.is_felt(now)):
        place = sum(other <= now for other in list(_started.values()))
        _this_thread.waited_seconds = _age_of_request(port, place=place)


def end() -> None:
    """Note that it has done with it."""
    now = time.monotonic()
    lasted = now - _started.pop(threading.get_ident(), now)
    # One that had waited is followed by others that have.
    _this_thread.was_slow = max(lasted, waited_seconds()) > SLOW_SECONDS
    _this_thread.ended_at = now


def waited_seconds() -> float:
    """Return how long this thread's request had been there before it was taken; 0.0 where nobody can know."""
    return float(getattr(_this_thread, "waited_seconds", 0.0))


def _comes_from_a_queue(started: float) -> bool:
    return getattr(_this_thread, "was_slow", False) and started - _this_thread.ended_at < PAUSE_SECONDS


def _age_of_request(port: int, *, place: int) -> float:
    """Return the age of the request that came at this place, 1 for the first, of all without an answer."""
    ages = sorted(_unanswered(port), reverse=True)
    # Some of those before it may have got their answers since they were counted.
    return ages[min(place, len(ages)) - 1] if ages else 0.0


def _unanswered(port: int) -> list[float]:
    ages = []
    for name in os.listdir(_FOLDER):
        # Descriptors come and go meanwhile, and most are no connections.
        with suppress(OSError, struct.error):
            age = _age_of_connection(int(name), port)
            if age is not None:
                ages.append(age)
    return ages


class _Seen(NamedTuple):
    state: int
    sent_ms_ago: int
    received_ms_ago: int
    bytes_received: int


def _age_of_connection(descriptor: int, port: int) -> float | None:
    """Return for how many seconds a client has had no answer; None of what is no client that waits."""
    borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=descriptor)
    try:
        seen = _look_at(borrowed)
        is_client = seen.state in _WITH_A_PEER and borrowed.getsockname()[1] == port
    finally:
        # It is the server's.
        borrowed.detach()
    has_asked = seen.bytes_received and seen.received_ms_ago <= seen.sent_ms_ago
    return seen.received_ms_ago / 1000 if is_client and has_asked else None


def _look_at(connection: socket.socket) -> _Seen:
    numbers = _TCP_INFO.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
    return _Seen(numbers[0], numbers[10], numbers[12], numbers[-1])
