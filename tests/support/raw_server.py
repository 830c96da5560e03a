"""A server below HTTP: a test says, byte by byte, what a connection gets."""

import contextlib
import socket
import threading
from collections.abc import Callable


class RawServer:
    """
    Accepts connections on a free port, and lets `behave(connection, server)` do with each what it wants.

    `connections`: how many came. `requests`: what `take_request` read. `ended`: set when the test is over,
    for behaviours that wait.
    """

    def __init__(self, behave: "Callable[[socket.socket, RawServer], None]") -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.ended = threading.Event()
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "RawServer":
        self._threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        # Closing alone does not wake who waits in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def take_request(self, connection: socket.socket) -> bytes:
        """Read one request, and return it; empty when the other side has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65_536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        while len(body) < _content_length(head):
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def drip(self, connection: socket.socket, piece: bytes, *, pause_seconds: float) -> None:
        """Send a piece again and again, until the other side or the test ends."""
        while not self.ended.wait(pause_seconds):
            connection.sendall(piece)

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            self._behave(connection, self)


def http_answer(
    body: bytes, *, status: str = "200 OK", headers: tuple[str, ...] = (), length: int | None = None
) -> bytes:
    """One answer of HTTP/1.1; `length` is what it says of its body, if that is not the truth."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
