"""The load client, against a small server that notes what it was asked."""

import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.bench.client import Load, LoadResult, run_load

Answer = Callable[["Handler", bytes], None]
Serve = Callable[[Answer], "NotingServer"]


class Handler(socketserver.StreamRequestHandler):
    """Reads requests without a body off one connection, until the client closes it."""

    server: "NotingServer"

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            path = line.split()[1]
            with self.server.lock:
                self.server.asked[path.decode()] += 1
            self.server.answer(self, path)

    def send(self, *parts: bytes) -> None:
        """Send an answer in pieces, each after 2 ms."""
        for part in parts:
            time.sleep(0.002)
            self.wfile.write(part)
            self.wfile.flush()


class NotingServer(socketserver.ThreadingTCPServer):
    """Counts the paths that it is asked for."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that answer in the given way, and end them with the test."""
    servers: list[NotingServer] = []

    def start(answer: Answer) -> NotingServer:
        servers.append(NotingServer(answer))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def echo(handler: Handler, path: bytes) -> None:
    handler.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(path) + path)


def load(server: NotingServer, *, requests: int = 10_000, **how: float) -> LoadResult:
    prepared = [b"GET /%d HTTP/1.1\r\nHost: bench\r\n\r\n" % number for number in range(requests)]
    options = {"seconds": 0.2, "connections": 3, **how}
    return run_load(Load(port=server.port, requests=prepared, **options))  # type: ignore[arg-type]


def test_each_request_is_sent_once_and_each_answer_counted(serve: Serve) -> None:
    server = serve(echo)

    result = load(server)

    assert result.answers == server.asked.total() > 10
    assert set(server.asked.values()) == {1}
    assert not result.errors
    assert 0.2 <= result.seconds < 2
    assert min(result.latencies) > 0.002
    # Three connections, busy all the time.
    assert 0.5 < sum(result.latencies) / (3 * result.seconds) <= 1


def test_requests_that_may_be_repeated_are(serve: Serve) -> None:
    server = serve(echo)

    result = load(server, requests=2, repeats=True)

    assert set(server.asked) == {"/0", "/1"}
    assert result.answers == server.asked.total() > 10


def test_a_kept_answer_belongs_to_its_request(serve: Serve) -> None:
    server = serve(echo)

    result = load(server, sample_every=1)

    assert len(result.samples) == result.answers
    assert all(sample.body == b"/%d" % sample.request_number for sample in result.samples)


def test_an_answer_in_pieces_is_one_answer(serve: Serve) -> None:
    server = serve(
        lambda handler, path: handler.send(b"HTTP/1.1 200 OK\r\ncontent-", b"length: 2\r\n\r\no", b"k")
    )

    result = load(server, sample_every=1)

    assert result.answers == server.asked.total() > 5
    assert {sample.body for sample in result.samples} == {b"ok"}


def test_an_answer_in_chunks_is_one_answer(serve: Serve) -> None:
    head, chunks = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"3\r\none\r\n4\r\n two\r\n0\r\n\r\n",
    )
    server = serve(lambda handler, path: handler.send(head + chunks[:5], chunks[5:9], chunks[9:]))

    result = load(server, sample_every=1)

    assert result.answers == server.asked.total() > 5
    assert {sample.body for sample in result.samples} == {b"one two"}


def test_a_refusal_is_an_error_and_no_answer(serve: Serve) -> None:
    server = serve(
        lambda handler, path: handler.send(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    )

    result = load(server)

    assert result.answers == 0
    assert result.errors == {"status 503": server.asked.total()}


def test_a_lost_connection_is_an_error(serve: Serve) -> None:
    server = serve(lambda handler, path: handler.connection.shutdown(2))

    result = load(server, connections=3)

    assert result.answers == 0
    assert result.errors == {"connection lost": 3}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ntoo long",
    ],
)
def test_an_answer_of_another_form_is_an_error(serve: Serve, answer: bytes) -> None:
    server = serve(lambda handler, path: handler.send(answer))

    result = load(server, connections=2)

    assert result.answers == 0
    assert result.errors.total() == 2


def test_running_out_of_requests_is_an_error(serve: Serve) -> None:
    server = serve(echo)

    result = load(server, requests=5, connections=2)

    assert result.answers == 5
    assert result.errors == {"out of prepared requests": 2}
