"""
kombu's transport that keeps messages in a folder, with messages that appear whole.

kombu creates the file first and writes afterwards. A worker that looks in between reads an empty message, and
Celery takes what cannot be read for unrecoverable: the worker ends.
"""

from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """kombu's channel with another way of adding a message."""

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        """Write under a name that no reader looks for, then rename, which is one step."""
        # Messages are read in the order of their names.
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        unfinished = Path(self.data_folder_out, f"{name}.part")
        try:
            unfinished.write_bytes(dumps(payload).encode())
            unfinished.rename(unfinished.with_suffix(""))
        except OSError as error:
            raise ChannelError("cannot add a message to the broker's folder") from error


class Transport(filesystem.Transport):
    """The transport of that channel."""

    Channel = Channel


def register() -> None:
    """Let kombu take this transport for `filesystem://`."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
