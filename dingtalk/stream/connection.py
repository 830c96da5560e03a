"""
The official client, made to acknowledge as the protocol says.

It opens, keeps and reopens the websocket. What it does with event frames is not used: it answers with the
event's own data instead of a status; it keeps an answer for five minutes, and so would answer LATER to the
repeat of an event without asking us; and it writes whole frames and addresses into its log.

Sources: developerpedia, "learn/stream/protocol"; the client's own code, 0.24.4b1
"""

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from dingtalk_stream import Credential, DingTalkStreamClient
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from dingtalk.client import StreamEndpoint, dingtalk_client
from dingtalk.foundation.redaction import register_secret
from dingtalk.protocol.errors import ApiError, DingTalkError
from dingtalk.stream.progress import Progress
from dingtalk.stream.suite_credentials import StreamCredentials

# DingTalk waits 3 s; the rest is for the way.
ACKNOWLEDGE_SECONDS = 2.5
STOP_SECONDS = 5.0
_UNAUTHORIZED = 401
# A frame that is larger would end the connection, again each time that it is sent.
_LARGEST_FRAME_BYTES = 8 * 1024 * 1024
_WEBSOCKET_OPTIONS = {
    "open_timeout": 10,
    "close_timeout": 2,
    "max_size": _LARGEST_FRAME_BYTES,
    # As our calls do: no proxy but the one that is named in an address.
    "proxy": None,
}

Store = Callable[[Mapping[str, Any]], Awaitable[object]]

logger = logging.getLogger(__name__)


class StreamClient(DingTalkStreamClient):
    """The connection of one suite: opened again whenever it ends, until it is stopped."""

    # All suites of a process lose their connections together, and should not come back together.
    RECONNECT_JITTER_SECONDS = 3

    def __init__(self, *, credentials: StreamCredentials, store: Store, progress: Progress) -> None:
        """`store`: keeps an event frame, or raises."""
        super().__init__(
            Credential(credentials.suite_key, credentials.suite_secret),
            logger=_SdkLog(progress),
            websocket_connect_options=_WEBSOCKET_OPTIONS,
        )
        self._credentials = credentials
        self._store = store
        self._progress = progress

    def open_connection(self) -> dict[str, str] | None:
        """Ask DingTalk where to connect, through the client of all our calls; None when it did not say."""
        try:
            endpoint = self._ask_for_endpoint()
        except DingTalkError as error:
            self._progress.failed(str(error))
            return None
        if settings.DINGTALK_API_BASE_URL.startswith("https://") and not endpoint.url.startswith("wss://"):
            self._progress.failed("DingTalk named an address without TLS")
            return None
        for form in {endpoint.ticket, quote_plus(endpoint.ticket)}:
            register_secret(form)
        return {"endpoint": endpoint.url, "ticket": endpoint.ticket}

    async def keepalive(self, ws: Any, ping_interval: float = 60) -> None:
        """Ping while the websocket is open: the client runs this for just as long."""
        self._progress.connected()
        try:
            await super().keepalive(ws, ping_interval)
        finally:
            self._progress.disconnected()

    async def background_task(self, json_message: Any, websocket: Any = None) -> None:
        """Take a frame: an event is stored, then acknowledged; SYSTEM frames are the client's own."""
        self._progress.frame_came()
        kind = json_message.get("type") if isinstance(json_message, dict) else None
        if kind == "EVENT":
            status = await self._status_of(json_message)
            await _send(
                websocket, _acknowledgement(json_message, 200, "OK", {"status": status, "message": ""})
            )
        elif kind == "CALLBACK":
            # Robot messages and card actions: we subscribe to none.
            await _send(websocket, _acknowledgement(json_message, 404, "not implemented", {"response": None}))
        elif kind == "SYSTEM":
            await super().background_task(json_message, websocket)

    async def _status_of(self, frame: Mapping[str, Any]) -> str:
        """Store an event frame; LATER makes DingTalk send it again."""
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                await self._store(frame)
        except Exception:
            logger.exception("stream_frame_not_stored", extra={"suite_key": self._credentials.suite_key})
            return "LATER"
        return "SUCCESS"

    def _ask_for_endpoint(self) -> StreamEndpoint:
        """With the current secret, or while both count with the one before it."""
        ask = dingtalk_client().open_stream_connection
        key, previous = self._credentials.suite_key, self._credentials.previous_secret()
        try:
            return ask(suite_key=key, suite_secret=self._credentials.suite_secret)
        except ApiError as refusal:
            if not previous or refusal.http_status != _UNAUTHORIZED:
                raise
        return ask(suite_key=key, suite_secret=previous)


async def stop_client(client: StreamClient, run: "asyncio.Task[None]") -> None:
    """Close the connection and end the task of `client.start()` within a few seconds, whatever it is at."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await client.stop()
            await asyncio.wait([run])
    except TimeoutError:
        logger.warning("stream_connection_stopped_late")
    finally:
        # It may be waiting for a websocket to open, which it does not give up by itself.
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


def _acknowledgement(frame: Mapping[str, Any], code: int, message: str, data: Mapping[str, Any]) -> str:
    headers = frame.get("headers") or frame.get("header")
    message_id = headers.get("messageId") if isinstance(headers, dict) else None
    return json.dumps(
        {
            "code": code,
            "headers": {"messageId": message_id, "contentType": "application/json"},
            "message": message,
            "data": json.dumps(data),
        }
    )


async def _send(websocket: Any, text: str) -> None:
    """Send an acknowledgement; on a connection that is gone DingTalk sends the event again."""
    if websocket is not None:
        with contextlib.suppress(ConnectionClosed):
            await websocket.send(text)


class _SdkLog:
    """
    The client's logger: tells what kind of error it met, and drops its texts.

    They repeat whole frames, answers, and addresses with tickets.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def info(self, *_message: Any) -> None:
        """Nothing that we do not say ourselves."""

    warning = info

    def error(self, *_message: Any) -> None:
        """Note what is being handled; without an error it is what `open_connection` has noted."""
        error = sys.exception()
        if error is not None:
            self._progress.failed(f"the connection failed ({type(error).__name__})")

    exception = error
