"""
A load client: some processes that keep some connections busy with requests prepared before.

Each connection sends, waits for the answer, and sends the next. Built on bare sockets, because client and
server share the cores: what the client computes is missing from the server.
"""

import multiprocessing
import selectors
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier

from tests.bench.http_answer import BadAnswer, read_answer

ANSWER_SECONDS = 10.0
OUT_OF_REQUESTS = "out of prepared requests"
_START_SECONDS = 20.0
_READ_BYTES = 65_536
# Forked: the workers share the prepared requests instead of getting copies of them.
_FORK = multiprocessing.get_context("fork")


class LoadFailed(Exception):
    """A process of the load client ended without a result."""


@dataclass(frozen=True)
class Load:
    """
    What to send, and for how long.

    `requests`: whole HTTP requests, each sent once, or again and again with `repeats`. `sample_every`: of
    so many answers one is kept as a whole.
    """

    port: int
    requests: Sequence[bytes]
    seconds: float
    connections: int
    processes: int = 2
    repeats: bool = False
    sample_every: int = 100


@dataclass(frozen=True)
class Sample:
    """The body of one answer, and the number of the request that it answers."""

    request_number: int
    body: bytes


@dataclass
class LoadResult:
    """
    What came back. `answers` counts those with status 200, everything else is in `errors` by its reason.

    `latencies`: seconds from sending a request to its whole answer, of each answer in `answers`.
    """

    started: float
    ended: float
    cpu_seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many requests were answered with 200."""
        return len(self.latencies)

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return self.ended - self.started

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def absorb(self, other: "LoadResult") -> None:
        """Add what another process has seen."""
        self.started = min(self.started, other.started)
        self.ended = max(self.ended, other.ended)
        self.cpu_seconds += other.cpu_seconds
        self.errors += other.errors
        self.latencies += other.latencies
        self.samples += other.samples


def run_load(load: Load) -> LoadResult:
    """Put the load on 127.0.0.1:port, wait for the last answer, and return what came back."""
    barrier = _FORK.Barrier(load.processes)
    workers = [_start_worker(load, number, barrier) for number in range(load.processes)]
    try:
        first, *others = [_result_of(pipe, load) for _, pipe in workers]
    finally:
        for process, _ in workers:
            process.kill()
            process.join()
    for other in others:
        first.absorb(other)
    return first


def _start_worker(
    load: Load, number: int, barrier: Barrier
) -> tuple[multiprocessing.context.ForkProcess, Pipe]:
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_work, args=(load, number, barrier, sender), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def _result_of(pipe: Pipe, load: Load) -> LoadResult:
    longest = _START_SECONDS + load.seconds + 2 * ANSWER_SECONDS
    try:
        result = pipe.recv() if pipe.poll(longest) else None
    except EOFError as error:
        raise LoadFailed("a process of the load client has died") from error
    if not isinstance(result, LoadResult):
        raise LoadFailed(f"a process of the load client did not end within {longest:.0f} s")
    return result


def _work(load: Load, number: int, barrier: Barrier, pipe: Pipe) -> None:
    # Whoever interrupts the bench means its main process, which then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    worker = _Worker(load, number)
    barrier.wait(_START_SECONDS)
    pipe.send(worker.run())


class _Connection:
    """A kept connection, and the request that it waits for an answer to."""

    __slots__ = ("buffer", "request_number", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.request_number = 0
        self.sent_at = 0.0


class _Worker:
    """One process's share of the connections and of the requests."""

    def __init__(self, load: Load, number: int) -> None:
        self._load = load
        self._numbers = _share(load, number)
        connections = len(range(number, load.connections, load.processes))
        self._open = {_Connection(load.port) for _ in range(connections)}
        self._selector = selectors.DefaultSelector()
        for connection in self._open:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def run(self) -> LoadResult:
        """Send until the time is up, and wait for what was sent."""
        started, cpu_before = time.perf_counter(), time.process_time()
        self._result = LoadResult(started=started, ended=started)
        self._deadline = started + self._load.seconds
        for connection in list(self._open):
            self._send_next(connection)
        while self._open:
            ready = self._selector.select(ANSWER_SECONDS)
            if not ready:
                self._result.errors["no answer in time"] += len(self._open)
                break
            for key, _ in ready:
                self._read(key.data)
        self._result.cpu_seconds = time.process_time() - cpu_before
        return self._result

    def _send_next(self, connection: _Connection) -> None:
        if time.perf_counter() >= self._deadline:
            self._close(connection)
            return
        number = next(self._numbers, None)
        if number is None:
            # Never a quiet end: with idle connections the rate would be too low.
            self._fail(connection, OUT_OF_REQUESTS)
            return
        connection.request_number = number
        connection.sent_at = time.perf_counter()
        try:
            connection.socket.sendall(self._load.requests[number])
        except OSError:
            self._fail(connection, "connection lost")

    def _read(self, connection: _Connection) -> None:
        try:
            received = connection.socket.recv(_READ_BYTES)
            if not received:
                self._fail(connection, "connection lost")
                return
            connection.buffer += received
            answer = read_answer(connection.buffer)
        except (OSError, BadAnswer) as error:
            self._fail(connection, str(error))
            return
        if answer is not None:
            self._count(connection, *answer)
            connection.buffer = b""
            self._send_next(connection)

    def _count(self, connection: _Connection, status: int, body: bytes) -> None:
        now = time.perf_counter()
        result = self._result
        result.ended = now
        if status != 200:
            result.errors[f"status {status}"] += 1
            return
        if result.answers % self._load.sample_every == 0:
            result.samples.append(Sample(connection.request_number, body))
        result.latencies.append(now - connection.sent_at)

    def _fail(self, connection: _Connection, reason: str) -> None:
        self._result.errors[reason] += 1
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._open.discard(connection)


def _share(load: Load, number: int) -> Iterator[int]:
    share = range(number, len(load.requests), load.processes)
    return cycle(share) if load.repeats else iter(share)
