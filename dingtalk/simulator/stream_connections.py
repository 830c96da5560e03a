"""
Who is connected in Stream mode: tickets that open a connection, the connections, and frames on their way.

Of several connections of an app each event goes to one, chosen at random (developerpedia
`learn/stream/protocol`).
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.clock import Clock

TICKET_SECONDS = 90
SPEC_VERSION = "1.0"

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a client answered to a frame; `data` is read, or as it came where it cannot be."""

    code: Any
    data: Any = None

    @property
    def is_success(self) -> bool:
        """Code 200, and no status or SUCCESS: the Python client has none, the others have one."""
        status = self.data.get("status") if isinstance(self.data, dict) else None
        return self.code == 200 and status in (None, "SUCCESS")


@dataclass(slots=True)
class StreamConnection:
    """One open websocket of a suite. `is_leaving`: it was told to reconnect and gets no more events."""

    id: str
    suite_key: str
    opened_at_ms: int
    ua: str
    send: Callable[[str], Awaitable[None]] = field(repr=False)
    close: Callable[[], Awaitable[None]] = field(repr=False)
    is_leaving: bool = False
    frames_sent: int = 0
    _waiting: dict[str, "asyncio.Future[Acknowledgement]"] = field(default_factory=dict, repr=False)

    async def ask(self, frame: Frame, *, seconds: float) -> Acknowledgement | None:
        """Send a frame and wait for its acknowledgement; None when none came in time."""
        message_id = frame["headers"]["messageId"]
        answer: asyncio.Future[Acknowledgement] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = answer
        try:
            async with asyncio.timeout(seconds):
                await self.tell(frame)
                return await answer
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(message_id, None)

    async def tell(self, frame: Frame) -> None:
        """Send a frame that nobody answers."""
        self.frames_sent += 1
        await self.send(json.dumps(frame, ensure_ascii=False))

    def answered(self, text: str) -> None:
        """Take what the client sent; what is no acknowledgement of a frame on its way is ignored."""
        document = _read(text)
        headers = document.get("headers") if isinstance(document, dict) else None
        if not isinstance(headers, dict):
            return
        waiting = self._waiting.get(str(headers.get("messageId")))
        if waiting is not None and not waiting.done():
            waiting.set_result(Acknowledgement(document.get("code"), _read(document.get("data"))))

    def lost(self) -> None:
        """The websocket is closed: nothing will be answered any more."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(Acknowledgement(0))


class StreamConnections:
    """Tickets and connections of all suites."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._tickets: dict[str, tuple[str, str, int]] = {}
        self._connections: dict[str, StreamConnection] = {}
        self._ids = itertools.count(1)

    def issue_ticket(self, suite_key: str, *, ua: str) -> str:
        """Make the ticket of one connection, good for 90 seconds."""
        now_ms = self._clock.now_ms()
        self._tickets = {text: each for text, each in self._tickets.items() if each[2] > now_ms}
        ticket = invention.uuid_text()
        self._tickets[ticket] = suite_key, ua, now_ms + TICKET_SECONDS * 1000
        return ticket

    def redeem(self, ticket: str) -> tuple[str, str] | None:
        """Use a ticket up; suite key and user agent, or None for one that is unknown, used or too old."""
        suite_key, ua, until_ms = self._tickets.pop(ticket, ("", "", 0))
        return (suite_key, ua) if until_ms > self._clock.now_ms() else None

    def add(
        self,
        suite_key: str,
        *,
        ua: str,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> StreamConnection:
        """Take a websocket that has just been opened."""
        name = f"connection-{next(self._ids)}"
        connection = StreamConnection(name, suite_key, self._clock.now_ms(), ua, send, close)
        self._connections[name] = connection
        return connection

    def remove(self, connection: StreamConnection) -> None:
        """Forget a websocket that was closed."""
        self._connections.pop(connection.id, None)
        connection.lost()

    def find(self, suite_key: str = "") -> list[StreamConnection]:
        """The open connections, of one suite or of all."""
        return [each for each in self._connections.values() if suite_key in ("", each.suite_key)]

    def find_one(self, connection_id: str) -> StreamConnection | None:
        """A connection by its id."""
        return self._connections.get(connection_id)

    def choose(self, suite_key: str) -> StreamConnection | None:
        """One of a suite's connections at random, or None while there is none."""
        able = [each for each in self.find(suite_key) if not each.is_leaving]
        return secrets.choice(able) if able else None

    def event_frame(self, content: dict[str, Any]) -> Frame:
        """The frame of an event: headers that differ per delivery, and the data as text."""
        headers = {name: str(value) for name, value in content.items() if name.startswith("event")}
        data = json.dumps(content["data"], ensure_ascii=False)
        return self._frame("EVENT", "*", headers=headers, data=data)

    def system_frame(self, topic: str, data: dict[str, Any]) -> Frame:
        """A frame about the connection itself."""
        return self._frame("SYSTEM", topic, headers={}, data=json.dumps(data))

    def _frame(self, kind: str, topic: str, *, headers: dict[str, Any], data: str) -> Frame:
        return {
            "specVersion": SPEC_VERSION,
            "type": kind,
            "headers": {
                "topic": topic,
                "messageId": invention.lower(32),
                "contentType": "application/json",
                "time": str(self._clock.now_ms()),
                **headers,
            },
            "data": data,
        }


def _read(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
