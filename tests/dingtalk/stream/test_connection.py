"""What the client of one suite answers, frame by frame, and where it does not connect."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.db import Error as DatabaseError
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.stream import connection
from dingtalk.stream.connection import StreamClient
from dingtalk.stream.progress import Progress
from dingtalk.stream.suite_credentials import StreamCredentials

API = "https://api.dingtalk.com"
OPEN = f"{API}/v1.0/gateway/connections/open"
CREDENTIALS = StreamCredentials(uuid.uuid4(), "suitekey0001", "secret-now", "secret-before", timezone.now())


class Websocket:
    """Keeps what is sent over it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))


class Inbox:
    """Keeps frames; fails as often as it is told to, or hangs."""

    def __init__(self, *, failures: int = 0, hangs: bool = False) -> None:
        self.frames: list[Mapping[str, Any]] = []
        self._failures, self._hangs = failures, hangs

    async def store(self, frame: Mapping[str, Any]) -> None:
        if self._hangs:
            await asyncio.sleep(60)
        if self._failures:
            self._failures -= 1
            raise DatabaseError("no room")
        self.frames.append(frame)


def answers(inbox: Inbox, *frames: Any) -> list[dict[str, Any]]:
    """Let the client take frames one after another; return what it sent."""

    async def take() -> list[dict[str, Any]]:
        client = StreamClient(
            credentials=CREDENTIALS, store=inbox.store, progress=Progress(suite_key="suitekey0001")
        )
        websocket = Websocket()
        for frame in frames:
            await client.background_task(frame, websocket)
        return websocket.sent

    return asyncio.run(take())


def frame(kind: str, data: str = "{}", **headers: Any) -> dict[str, Any]:
    return {"specVersion": "1.0", "type": kind, "headers": {"messageId": "m1", **headers}, "data": data}


def test_an_event_that_is_stored_is_acknowledged_as_the_protocol_says():
    inbox = Inbox()

    (answer,) = answers(inbox, frame("EVENT", eventType="user_add_org"))

    assert answer == {
        "code": 200,
        "headers": {"messageId": "m1", "contentType": "application/json"},
        "message": "OK",
        "data": '{"status": "SUCCESS", "message": ""}',
    }
    assert len(inbox.frames) == 1


def test_an_event_that_is_not_stored_is_asked_for_again_and_then_stored():
    inbox = Inbox(failures=1)

    # With the same message id: the official client would repeat its first answer.
    later, success = answers(inbox, frame("EVENT"), frame("EVENT"))

    assert [json.loads(each["data"])["status"] for each in (later, success)] == ["LATER", "SUCCESS"]
    assert len(inbox.frames) == 1


def test_an_inbox_that_hangs_costs_no_more_than_the_time_for_an_answer(monkeypatch):
    monkeypatch.setattr(connection, "ACKNOWLEDGE_SECONDS", 0.05)

    (answer,) = answers(Inbox(hangs=True), frame("EVENT"))

    assert json.loads(answer["data"])["status"] == "LATER"


def test_a_callback_is_answered_as_unknown_and_not_stored():
    inbox = Inbox()

    (answer,) = answers(inbox, frame("CALLBACK", topic="/v1.0/im/bot/messages/get"))

    assert (answer["code"], json.loads(answer["data"])) == (404, {"response": None})
    assert not inbox.frames


def test_a_ping_is_answered_with_its_own_data():
    (answer,) = answers(Inbox(), frame("SYSTEM", '{"opaque":"o1"}', topic="ping"))

    assert (answer["code"], answer["headers"]["messageId"]) == (200, "m1")
    assert json.loads(answer["data"]) == {"opaque": "o1"}


@pytest.mark.parametrize(
    "odd", [[], 7, None, {}, {"type": "OTHER"}, {"type": "SYSTEM", "headers": {"time": "x"}}]
)
def test_a_frame_that_is_none_is_not_answered(odd):
    assert answers(Inbox(), odd) == []


def opened(credentials: StreamCredentials = CREDENTIALS) -> tuple[dict[str, str] | None, Progress]:
    """Ask where to connect; what came of it, and what is said of it."""

    async def ask() -> tuple[dict[str, str] | None, Progress]:
        progress = Progress(suite_key="suitekey0001")
        client = StreamClient(credentials=credentials, store=Inbox().store, progress=progress)
        return client.open_connection(), progress

    dingtalk_client.cache_clear()
    return asyncio.run(ask())


@responses.activate
def test_an_address_without_tls_is_not_connected_to():
    responses.post(OPEN, json={"endpoint": "ws://stream.example.com/connect", "ticket": "ticket-1"})

    endpoint, progress = opened()

    assert endpoint is None
    assert "TLS" in progress.last_error


@responses.activate
def test_the_secret_before_the_current_one_is_tried_only_while_it_counts():
    responses.post(OPEN, status=401, json={"code": "authFailed", "message": "no", "requestid": "r1"})
    still = StreamCredentials(
        CREDENTIALS.suite_id,
        "suitekey0001",
        "secret-now",
        "secret-before",
        timezone.now() + timedelta(hours=1),
    )

    outcomes = [opened(), opened(still)]

    sent = [json.loads(call.request.body)["clientSecret"] for call in responses.calls]
    assert sent == ["secret-now", "secret-now", "secret-before"]
    assert [endpoint for endpoint, _ in outcomes] == [None, None]


def test_credentials_do_not_show_their_secrets():
    assert "secret" not in repr(CREDENTIALS).replace("suite_secret", "")
