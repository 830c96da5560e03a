"""Stream connections in the control interface: who is connected, and what the platform does to them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dingtalk.simulator.answers import json_response
from dingtalk.simulator.control_input import BadRequest, ControlError, read_body
from dingtalk.simulator.stream_connections import StreamConnection
from dingtalk.simulator.stream_gateway import ask_for_pong, send_away
from dingtalk.simulator.world import World

Body = dict[str, Any]
Operation = Callable[[StreamConnection, Body], Awaitable[dict[str, Any]]]


class StreamControl:
    """Lists connections, pings them, tells them to reconnect, cuts them off."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._partings: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """The routes below `/_sim/stream/`."""
        one = "/_sim/stream/connections/{connection_id}"
        return [
            Route("/_sim/stream/connections", self._list, methods=["GET"]),
            Route(f"{one}/ping", self._on(self._ping), methods=["POST"]),
            Route(f"{one}/disconnect", self._on(self._disconnect), methods=["POST"]),
            Route(f"{one}/cut", self._on(self._cut), methods=["POST"]),
            Route(f"{one}/send", self._on(self._send), methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        found = self._world.stream.find(request.query_params.get("suite_key", ""))
        return json_response({"connections": [_describe(connection) for connection in found]})

    async def _ping(self, connection: StreamConnection, _body: Body) -> dict[str, Any]:
        return {"answered": await ask_for_pong(self._world, connection)}

    async def _disconnect(self, connection: StreamConnection, _body: Body) -> dict[str, Any]:
        """Announce the end, which comes `stream_close_seconds` later if the client does not go itself."""
        parting = asyncio.create_task(send_away(self._world, connection))
        self._partings.add(parting)
        parting.add_done_callback(self._partings.discard)
        return _describe(connection)

    async def _cut(self, connection: StreamConnection, _body: Body) -> dict[str, Any]:
        """Close it without a word."""
        await connection.close()
        return _describe(connection)

    async def _send(self, connection: StreamConnection, body: Body) -> dict[str, Any]:
        """Send any text as a frame, and wait for nothing."""
        text = body.get("text")
        if not isinstance(text, str):
            raise BadRequest("text is a text")
        await connection.send(text)
        return _describe(connection)

    def _on(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            connection = self._world.stream.find_one(request.path_params["connection_id"])
            if connection is None:
                return json_response({"error": "no such connection"}, status=404)
            try:
                return json_response(await operation(connection, await read_body(request)))
            except ControlError as error:
                return json_response({"error": str(error)}, status=error.status)

        return answer


def _describe(connection: StreamConnection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "suite_key": connection.suite_key,
        "opened_at_ms": connection.opened_at_ms,
        "ua": connection.ua,
        "leaving": connection.is_leaving,
        "frames_sent": connection.frames_sent,
    }
