"""What one connection has to say of itself: told by the client, stored with the next renewal of the lease."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from dingtalk.foundation.redaction import redact_text
from dingtalk.models import ConnectionState

_ERROR_LENGTH = 300

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """
    Where a connection stands; `changed` is set when that is worth storing at once.

    Made in the event loop; told from there, and from the thread that asks where to connect.
    """

    suite_key: str
    state: ConnectionState = ConnectionState.CONNECTING
    connected_since: datetime | None = None
    last_frame_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def connected(self) -> None:
        """The websocket is open."""
        self.state, self.connected_since = ConnectionState.CONNECTED, timezone.now()
        self._tell()
        logger.info("stream_connected", extra={"suite_key": self.suite_key})

    def disconnected(self) -> None:
        """The websocket is closed; another one will be opened."""
        self.state, self.connected_since = ConnectionState.CONNECTING, None
        self._tell()
        logger.info("stream_disconnected", extra={"suite_key": self.suite_key})

    def failed(self, reason: str) -> None:
        """Something kept it from being open. `reason`: for people, without secrets."""
        self.last_error, self.last_error_at = redact_text(reason)[:_ERROR_LENGTH], timezone.now()
        self._tell()
        logger.warning(
            "stream_connection_failed", extra={"suite_key": self.suite_key, "reason": self.last_error}
        )

    def frame_came(self) -> None:
        """DingTalk sent something."""
        self.last_frame_at = timezone.now()

    def report(self) -> dict[str, Any]:
        """Return the columns to store: what nothing was heard of stays as it is."""
        columns: dict[str, Any] = {"state": self.state, "connected_since": self.connected_since}
        if self.last_frame_at is not None:
            columns["last_frame_at"] = self.last_frame_at
        if self.last_error_at is not None:
            columns |= {"last_error": self.last_error, "last_error_at": self.last_error_at}
        return columns

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self.changed.set)
