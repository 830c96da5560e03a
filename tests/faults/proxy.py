"""
A TCP proxy in a process of its own, which can misbehave: delay, refuse, cut, swallow, cut after something.

It stands before a service on loopback. Its process forwards bytes; this side only says how.
"""

import asyncio
import contextlib
import multiprocessing
import socket
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Literal

from tests.faults.servers import Note

_SPAWN = multiprocessing.get_context("spawn")
_CHUNK_BYTES = 1 << 16
_ANSWER_SECONDS = 10.0
# What the client sent last is worked by the server before it learns that the client is gone.
_LINGER_SECONDS = 0.3

Mode = Literal["pass", "delay", "refuse", "swallow"]


@dataclass(frozen=True)
class Manner:
    """
    How bytes are passed on.

    `seconds`: what `delay` adds to each chunk, either way. `cut_after_bytes`: each connection ends once so
    many came from the server. `cut_after_pattern`: once the client has sent this, it reaches the server, and
    the connection ends before an answer; `times` such ends.
    """

    mode: Mode = "pass"
    seconds: float = 0.0
    cut_after_bytes: int = 0
    cut_after_pattern: bytes = b""
    times: int = 0


class Proxy:
    """A proxy before 127.0.0.1:`target`; it listens on `port`."""

    def __init__(self, name: str, *, target: int, note: Note) -> None:
        self.name = name
        self._note = note
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(target, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.port = int(self._answer())

    def pass_on(self) -> None:
        """Behave."""
        self._order(Manner(), "passes on")

    def delay(self, seconds: float) -> None:
        """Hold each chunk of bytes back for so long, either way."""
        self._order(Manner(mode="delay", seconds=seconds), f"delays by {seconds:g} s")

    def refuse(self) -> None:
        """End all connections and accept none."""
        self._order(Manner(mode="refuse"), "refuses")

    def swallow(self) -> None:
        """Keep connections open, accept more, and lose every byte: half-open."""
        self._order(Manner(mode="swallow"), "swallows")

    def cut(self) -> None:
        """End all connections; new ones are served."""
        self._note(f"proxy of {self.name} cuts")
        self._ask("cut")

    def cut_after_bytes(self, count: int) -> None:
        """End each connection once the server has answered so many bytes; the rest is lost."""
        self._order(Manner(cut_after_bytes=count), f"cuts after {count} bytes")

    def cut_after_pattern(self, pattern: bytes, *, times: int = 1) -> None:
        """Let what holds the pattern reach the server and end that connection before the answer."""
        self._order(Manner(cut_after_pattern=pattern, times=times), f"cuts after {pattern!r} {times} times")

    def cuts_left(self) -> int:
        """Return how many ends by pattern are still to come."""
        return int(self._ask("left"))

    def close(self) -> None:
        """End the proxy."""
        self._process.terminate()
        self._process.join(_ANSWER_SECONDS)
        self._process.close()
        self._pipe.close()

    def _order(self, manner: Manner, words: str) -> None:
        self._note(f"proxy of {self.name} {words}")
        self._ask(manner)

    def _ask(self, message: object) -> object:
        self._pipe.send(message)
        return self._answer()

    def _answer(self) -> object:
        if not self._pipe.poll(_ANSWER_SECONDS):
            raise RuntimeError(f"the proxy of {self.name} does not answer")
        return self._pipe.recv()


def _serve(target: int, pipe: Connection) -> None:
    asyncio.run(_Forwarder(target, pipe).run())


class _Forwarder:
    """The proxy's own process."""

    def __init__(self, target: int, pipe: Connection) -> None:
        self._target = target
        self._pipe = pipe
        self._manner = Manner()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def run(self) -> None:
        """Serve until the other end of the pipe is gone."""
        await self._listen()
        self._pipe.send(self._port)
        loop = asyncio.get_running_loop()
        while True:
            try:
                message = await loop.run_in_executor(None, self._pipe.recv)
            except EOFError:
                return
            self._pipe.send(await self._obey(message))

    async def _obey(self, message: object) -> object:
        if message == "left":
            return self._manner.times
        if message == "cut":
            self._cut_all()
            return True
        assert isinstance(message, Manner)
        self._manner = message
        if message.mode == "refuse":
            if self._server is not None:
                self._server.close()
                self._server = None
            self._cut_all()
        elif self._server is None:
            await self._listen()
        return True

    async def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener, backlog=512)

    def _cut_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, their_writer)
        self._open.update(both)
        tasks = [
            asyncio.create_task(self._pump(reader, their_writer, both, is_from_client=True)),
            asyncio.create_task(self._pump(their_reader, writer, both, is_from_client=False)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in both:
            each.transport.abort() if each.transport.get_write_buffer_size() == 0 else each.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._open.difference_update(both)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        is_from_client: bool,
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                manner = self._manner
                if manner.mode == "swallow":
                    continue
                if manner.mode == "delay":
                    await asyncio.sleep(manner.seconds)
                passed += len(chunk)
                if not is_from_client and 0 < manner.cut_after_bytes < passed:
                    writer.write(chunk[: len(chunk) - (passed - manner.cut_after_bytes)])
                    await writer.drain()
                    return
                is_last = is_from_client and bool(manner.times) and manner.cut_after_pattern in chunk
                if is_last:
                    self._manner = replace(manner, times=manner.times - 1)
                    both[0].transport.abort()
                writer.write(chunk)
                await writer.drain()
                if is_last:
                    await asyncio.sleep(_LINGER_SECONDS)
                    return
