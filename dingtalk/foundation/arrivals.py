"""
How long a request had been there before a thread took it.

A server takes requests off the network in its own time, and puts them into a queue when all threads are
busy: a request may be older than its sender waits before the first line of ours runs. No server tells. The
kernel knows when the last byte of a connection came (`tcp_info.tcpi_last_data_recv`), and requests are taken
in the order in which they came: of the connections of this process that have asked and have no answer, the
oldest belong to the requests that run already, and the next one is ours.

Looking costs some microseconds for each connection, so it is not done for each request. Who comes later has
not waited longer than the one before and the time since together: as long as that is little, it is enough to
know.
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
# Of threads that begin at once nobody knows which took its request first: each counts as the first then.
AT_ONCE_SECONDS = 0.05

_FOLDER = "/proc/self/fd"
_IS_KNOWN_HERE = sys.platform == "linux"
# The beginning of struct tcp_info: the state; numbers of 32 bits, of which last_data_sent is the tenth and
# last_data_recv the twelfth; and numbers of 64 bits, of which bytes_received is the fourth.
_TCP_INFO = struct.Struct("=B7x24I4Q")
# TCP_ESTABLISHED, and TCP_CLOSE_WAIT: whose peer has gone may be in the queue all the same.
_WITH_A_PEER = frozenset({1, 8})

_started: dict[int, float] = {}
# When a request was looked at last, and how long it had waited.
_latest = (float("-inf"), 0.0)


def begin() -> None:
    """Note that this thread has taken a request."""
    _started[threading.get_ident()] = time.monotonic()


def end() -> None:
    """Note that it has done with it."""
    _started.pop(threading.get_ident(), None)


def waited_seconds(port: int) -> float:
    """
    Return for how long at most this thread's request had been there before it was taken.

    `port`: at which the server listens. 0.0 where nobody can know. To be asked between `begin` and `end`.
    """
    global _latest
    started = _started.get(threading.get_ident())
    if started is None or not _IS_KNOWN_HERE:
        return 0.0
    looked_at, waited = _latest
    at_most = waited + started - looked_at
    if looked_at <= started and at_most < LITTLE_SECONDS:
        return at_most
    before = sum(other < started - AT_ONCE_SECONDS for other in list(_started.values()))
    waited = _age_of_request(port, place=before + 1)
    _latest = (started, waited)
    return waited


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
