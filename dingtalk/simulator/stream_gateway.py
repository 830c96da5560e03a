"""
The Stream gateway: tickets for connections, the websockets, and events that wait for their acknowledgement.

Source: developerpedia `learn/stream/protocol`
"""

import asyncio
import contextlib
import time
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from dingtalk.simulator import invention
from dingtalk.simulator.answers import NewFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.delivery import RawReply, Verdict
from dingtalk.simulator.faults import Fault, FaultKind
from dingtalk.simulator.internal_apps import find_internal_app
from dingtalk.simulator.signing import same_text
from dingtalk.simulator.stream_connections import Acknowledgement, StreamConnection
from dingtalk.simulator.world import World

CONNECT_PATH = "/connect"
NO_CONNECTION = "no Stream connection is open"
NOT_ACKNOWLEDGED = "not acknowledged in time"
LOST = "lost on the way"
_KINDS = ("EVENT", "CALLBACK")


def open_connection(call: Call) -> dict[str, Any]:
    """
    Where to connect, and a ticket for it, for the key and secret of a suite or of a company's own app.

    Nothing happens that the latter would be told, but it may connect.
    """
    client_id, client_secret = call.parameters.text("clientId"), call.parameters.text("clientSecret")
    suite = call.world.suites.get(client_id)
    is_suite = suite is not None and same_text(suite.suite_secret, client_secret)
    if not is_suite and find_internal_app(call, app_key=client_id, app_secret=client_secret) is None:
        raise NewFamilyError("authFailed", "鉴权失败", status=401)
    call.suite_key = client_id
    _check_subscriptions(call.parameters.values.get("subscriptions"))
    ticket = call.world.stream.issue_ticket(client_id, ua=call.parameters.text("ua"))
    return {"endpoint": f"ws{call.base_url.removeprefix('http').rstrip('/')}{CONNECT_PATH}", "ticket": ticket}


def _check_subscriptions(subscriptions: Any) -> None:
    if not isinstance(subscriptions, list) or not subscriptions:
        raise NewFamilyError("subscriptions.empty", "subscriptions不能为空")
    for each in subscriptions:
        if not isinstance(each, dict) or each.get("type") not in _KINDS:
            raise NewFamilyError("subscriptions.type", "不支持的订阅类型")
        if each["type"] == "EVENT" and each.get("topic") != "*":
            raise NewFamilyError("subscriptions.topic", "EVENT的topic只支持*")


async def connect(world: World, websocket: WebSocket) -> None:
    """Serve one websocket until either side closes it; a ticket that is not good opens none (403)."""
    redeemed = world.stream.redeem(websocket.query_params.get("ticket", ""))
    if redeemed is None:
        await websocket.close()
        return
    await websocket.accept()
    suite_key, ua = redeemed
    closing = _Socket(websocket)
    connection = world.stream.add(suite_key, ua=ua, send=closing.send, close=closing.close)
    pings = asyncio.create_task(_ping(world, connection))
    try:
        await _listen(websocket, connection)
    finally:
        world.stream.remove(connection)
        pings.cancel()
        await asyncio.gather(pings, return_exceptions=True)


async def deliver(
    world: World, suite_key: str, content: dict[str, Any], fault: Fault | None
) -> tuple[RawReply, Verdict]:
    """Send an event to one of the suite's connections, and judge what is answered within 3 s."""
    started = time.monotonic()
    if fault is not None and fault.kind is FaultKind.DELAY:
        await asyncio.sleep(fault.seconds)
    connection = world.stream.choose(suite_key)
    if connection is None:
        return RawReply(0.0), Verdict(False, NO_CONNECTION)
    if fault is not None and fault.kind is FaultKind.RESET:
        return RawReply(0.0), Verdict(False, LOST)
    frame = world.stream.event_frame(content)
    answer = await connection.ask(frame, seconds=world.options.stream_deadline_ms / 1000)
    if fault is not None and fault.kind is FaultKind.DROP_ANSWER:
        answer = None
    return RawReply(round((time.monotonic() - started) * 1000, 1)), _judge(answer)


async def ask_for_pong(world: World, connection: StreamConnection) -> bool:
    """Ping a connection; whether the very same data came back in time."""
    data = {"opaque": invention.uuid_text()}
    frame = world.stream.system_frame("ping", data)
    answer = await connection.ask(frame, seconds=world.options.stream_deadline_ms / 1000)
    return answer is not None and answer.code == 200 and answer.data == data


async def send_away(world: World, connection: StreamConnection) -> None:
    """Tell a client to connect anew, give this connection no more events, and close it after a while."""
    connection.is_leaving = True
    await connection.tell(
        world.stream.system_frame("disconnect", {"reason": "persistent connection is timeout"})
    )
    await asyncio.sleep(world.options.stream_close_seconds)
    await connection.close()


class _Socket:
    """Sending and closing that do not mind when the other side was quicker."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send(self, text: str) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_text(text)

    async def close(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close()


async def _listen(websocket: WebSocket, connection: StreamConnection) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        connection.answered(message.get("text") or "")


async def _ping(world: World, connection: StreamConnection) -> None:
    while world.options.stream_ping_seconds > 0:
        await asyncio.sleep(world.options.stream_ping_seconds)
        await ask_for_pong(world, connection)


def _judge(answer: Acknowledgement | None) -> Verdict:
    if answer is None:
        return Verdict(False, NOT_ACKNOWLEDGED)
    if answer.is_success:
        return Verdict(True, "ok")
    status = answer.data.get("status") if isinstance(answer.data, dict) else None
    return Verdict(False, f"acknowledged with code {answer.code}, status {status}")
