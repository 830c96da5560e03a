"""The proxy misbehaves as it is told, and behaves again."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy


class Echo:
    """A server that answers each chunk with itself, and remembers what it received."""

    def __init__(self) -> None:
        self.received = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while chunk := connection.recv(1024):
                    self.received += chunk
                    connection.sendall(chunk)
            except OSError:
                return


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture(scope="module")
def one_proxy(echo: Echo) -> Iterator[Proxy]:
    made = Proxy("echo", target=echo.port, note=lambda _words: None)
    yield made
    made.close()


@pytest.fixture
def proxy(one_proxy: Proxy) -> Iterator[Proxy]:
    yield one_proxy
    one_proxy.pass_on()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as connection:
        assert said(connection, b"hello") == b"hello"
        yield connection


def said(connection: socket.socket, text: bytes) -> bytes:
    """Say something and return the answer: nothing when the connection has ended."""
    try:
        connection.sendall(text)
        return connection.recv(1024)
    except ConnectionError:
        return b""


def test_it_passes_on_what_is_said(client: socket.socket):
    assert said(client, b"again") == b"again"


def test_it_delays_each_way(proxy: Proxy, client: socket.socket):
    proxy.delay(0.1)

    began = time.monotonic()

    assert said(client, b"slow") == b"slow"
    assert 0.2 <= time.monotonic() - began < 0.9


def test_it_refuses_and_accepts_again_on_the_same_port(proxy: Proxy, client: socket.socket):
    proxy.refuse()

    assert said(client, b"gone") == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=1)
    proxy.pass_on()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as another:
        assert said(another, b"back") == b"back"


def test_it_swallows_and_keeps_the_connection_open(proxy: Proxy, client: socket.socket):
    proxy.swallow()

    with pytest.raises(TimeoutError):
        said(client, b"nothing comes back")


def test_it_cuts_and_serves_new_connections(proxy: Proxy, client: socket.socket):
    proxy.cut()

    assert said(client, b"gone") == b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as another:
        assert said(another, b"new") == b"new"


def test_it_cuts_an_answer_in_the_middle(proxy: Proxy):
    proxy.cut_after_bytes(3)

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as another:
        another.sendall(b"whole")
        received = b""
        while chunk := another.recv(1024):
            received += chunk

    assert received == b"who"


def test_what_holds_the_pattern_reaches_the_server_and_its_answer_is_lost(
    proxy: Proxy, client: socket.socket, echo: Echo
):
    proxy.cut_after_pattern(b"COMMIT", times=1)

    assert said(client, b"begin") == b"begin"
    assert said(client, b"now COMMIT it") == b""
    assert proxy.cuts_left() == 0
    assert b"now COMMIT it" in echo.received
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as another:
        assert said(another, b"COMMIT") == b"COMMIT"
