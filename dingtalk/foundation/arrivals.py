"""
How long a request had been there before a thread took it.

A server takes requests off the network in its own time, and puts them into a queue when all threads are
busy: a request may be older than its sender waits before the first line of ours runs. No server tells. The
kernel knows when the last byte of a connection came (`tcp_info.tcpi_last_data_recv`), and requests are taken
in the order in which they came: of the connections of this process that have asked and have no answer, the
oldest belong to the requests that run already, and the next one is ours.

It is looked only when there can be a queue: no thread was idle, or the process as a whole stood still lately.
And not for each request even then: who comes later has not waited longer than the one before and the time
since together, which is enough to know as long as it is little. Connections of other addresses are left out:
a stranger who sends half a head and then nothing makes nobody look late.
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

# A wait that is shorter for certain is not looked at more closely.
LITTLE_SECONDS = 0.2
# A thread that ends a request while others wait takes the next one sooner than this.
PAUSE_SECONDS = 0.003
# A thread that was not seen for so long may have ended.
THREAD_SECONDS = 300.0
# A watch that ticks later than this was not let run, and neither was anything else.
STANDSTILL_SECONDS = 0.2
# What came meanwhile is worked off in this time.
AFTERMATH_SECONDS = 2.0
# Of threads that begin at once nobody knows which took its request first: each counts as the first then.
AT_ONCE_SECONDS = 0.05

_FOLDER = "/proc/self/fd"
_IS_KNOWN_HERE = sys.platform == "linux"
# The beginning of struct tcp_info: the state; numbers of 32 bits, of which last_data_sent is the tenth and
# last_data_recv the twelfth; and numbers of 64 bits, of which bytes_received is the fourth.
_TCP_INFO = struct.Struct("=B7x24I4Q")
# TCP_ESTABLISHED, and TCP_CLOSE_WAIT: whose peer has gone may be in the queue all the same.
_WITH_A_PEER = frozenset({1, 8})

_TICK_SECONDS = 0.05

_started: dict[int, float] = {}
# When each thread ended its last request.
_ended: dict[int, float] = {}
# When a request was looked at last, and how long it had waited.
_latest = (float("-inf"), 0.0)


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
        return now < self._over_at or self._is_late(now)

    def _is_late(self, now: float) -> bool:
        return now - self._ticked_at > _TICK_SECONDS + STANDSTILL_SECONDS

    def _tick(self) -> None:
        while True:
            now = time.monotonic()
            if self._is_late(now):
                self._over_at = now + AFTERMATH_SECONDS
            self._ticked_at = now
            time.sleep(_TICK_SECONDS)


_standstill = _Standstill()


def begin() -> None:
    """Note that this thread has taken a request."""
    _standstill.watch()
    _started[threading.get_ident()] = time.monotonic()


def end() -> None:
    """Note that it has done with it."""
    _started.pop(threading.get_ident(), None)
    _ended[threading.get_ident()] = time.monotonic()


def waited_seconds(port: int, peer: str) -> float:
    """
    Return for how long at most this thread's request had been there before it was taken.

    `port`: at which the server listens. `peer`: the address at the other end of the request's connection.
    0.0 where nobody can know. To be asked between `begin` and `end`.
    """
    global _latest
    started = _started.get(threading.get_ident())
    if started is None or not _IS_KNOWN_HERE:
        return 0.0
    looked_at, waited = _latest
    at_most = waited + started - looked_at
    if looked_at <= started and at_most < LITTLE_SECONDS:
        return at_most
    waited = 0.0
    if _standstill.is_felt(started) or not _was_a_thread_idle(started):
        before = sum(other < started - AT_ONCE_SECONDS for other in list(_started.values()))
        waited = _age_of_request(port, peer, place=before + 1)
    _latest = (started, waited)
    return waited


def _was_a_thread_idle(started: float) -> bool:
    """Tell whether this thread, or another that is known, had nothing to do: then nobody waited for one."""
    own_ended = _ended.get(threading.get_ident())
    if own_ended is None or started - own_ended > PAUSE_SECONDS:
        return True
    running = list(_started)
    return any(
        started - ended < THREAD_SECONDS for thread, ended in list(_ended.items()) if thread not in running
    )


def _age_of_request(port: int, peer: str, *, place: int) -> float:
    """Return the age of the request that came at this place, 1 for the first, of those without an answer."""
    ages = sorted(_unanswered(port, peer), reverse=True)
    # Some of those before it may have got their answers since they were counted.
    return ages[min(place, len(ages)) - 1] if ages else 0.0


def _unanswered(port: int, peer: str) -> list[float]:
    ages = []
    for name in os.listdir(_FOLDER):
        # Descriptors come and go meanwhile, and most are no connections.
        with suppress(OSError, struct.error):
            age = _age_of_connection(int(name), port, peer)
            if age is not None:
                ages.append(age)
    return ages


class _Seen(NamedTuple):
    state: int
    sent_ms_ago: int
    received_ms_ago: int
    bytes_received: int


def _age_of_connection(descriptor: int, port: int, peer: str) -> float | None:
    """Return for how many seconds a client has had no answer; None of what is no client that waits."""
    borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=descriptor)
    try:
        seen = _look_at(borrowed)
        is_client = (
            seen.state in _WITH_A_PEER
            and borrowed.getsockname()[1] == port
            and borrowed.getpeername()[0] == peer
        )
    finally:
        # It is the server's.
        borrowed.detach()
    has_asked = seen.bytes_received and seen.received_ms_ago <= seen.sent_ms_ago
    return seen.received_ms_ago / 1000 if is_client and has_asked else None


def _look_at(connection: socket.socket) -> _Seen:
    numbers = _TCP_INFO.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
    return _Seen(numbers[0], numbers[10], numbers[12], numbers[-1])
