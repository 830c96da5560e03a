"""Cutting a connection instead of answering: a reset on the wire, which no ASGI response can express."""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

# By the addresses of both ends, which name one open connection.
_transports: dict[Any, asyncio.Transport] = {}


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which remembers the transport of each connection while it is open."""

    def connection_made(self, transport: Any) -> None:
        """Remember the transport by the addresses of both ends."""
        super().connection_made(transport)
        _transports[self.client, self.server] = transport

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Forget it: the connection is a websocket's from now on."""
        _transports.pop((self.client, self.server), None)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        _transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


class CutConnection(Response):
    """Not an answer: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Abort the transport of this request and wait until the server has noticed."""
        transport = _transports.get((scope["client"], scope["server"]))
        if transport is not None:
            transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
