"""Messages in a folder, as the embedded mode sends them."""

from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.transport.virtual import Channel

from isv_portal.broker import broker_transport_options, broker_url
from isv_portal.celery import app


@pytest.fixture
def channel(tmp_path: Any) -> Channel:
    assert app.main == "isv_portal"
    options = broker_transport_options("", data_dir=tmp_path)
    return Connection(broker_url(""), transport_options=options).channel()


class WhileItIsWritten:
    """A message that calls a function at the moment in which it becomes JSON."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __json__(self) -> str:
        self.function()
        return "written"


def test_each_message_is_read_once_from_its_queue(channel: Channel) -> None:
    for number in range(3):
        channel._put("celery", {"body": number})
    channel._put("other", {"body": "other"})

    assert {channel._get("celery")["body"] for _ in range(3)} == {0, 1, 2}
    assert channel._size("celery") == 0
    assert channel._get("other") == {"body": "other"}


def test_a_message_is_not_there_before_it_is_whole(channel: Channel) -> None:
    seen: list[str] = []

    def look() -> None:
        try:
            seen.append(channel._get("celery"))
        except Empty:
            seen.append("nothing")

    channel._put("celery", {"body": WhileItIsWritten(look)})

    assert seen == ["nothing"]
    assert channel._get("celery") == {"body": "written"}


def test_a_message_whose_writer_died_is_not_read(channel: Channel, tmp_path: Any) -> None:
    channel._put("celery", {"body": 1})
    (message,) = (tmp_path / "broker" / "messages").iterdir()
    message.rename(f"{message}.part")

    with pytest.raises(Empty):
        channel._get("celery")
