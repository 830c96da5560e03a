"""The Stream gateway, driven by the official client as its users run it."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import dingtalk_stream
import pytest
import requests
import websockets.exceptions
from websockets.sync.client import connect

from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from dingtalk.simulator.stream_documents import camel_case
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv, eventually

OPEN = "/v1.0/gateway/connections/open"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    options = SimulatorOptions(stream_deadline_ms=400, stream_retry_seconds=0.05, stream_close_seconds=0.3)
    with RunningSimulator(options=options) as running:
        yield running


@pytest.fixture
def isv(simulator: RunningSimulator) -> Isv:
    return make_isv(simulator, push_mode="stream")


@pytest.fixture
def corp_id(simulator: RunningSimulator) -> str:
    return make_company(simulator)


class Handler(dingtalk_stream.EventHandler):
    """Keeps events; says what it is told to, and then OK."""

    def __init__(self, codes: list[int] | None = None) -> None:
        super().__init__()
        self.events: list[dingtalk_stream.EventMessage] = []
        self._codes = codes or []

    async def process(self, event: dingtalk_stream.EventMessage) -> tuple[int, str]:
        self.events.append(event)
        return (self._codes.pop(0) if self._codes else dingtalk_stream.AckMessage.STATUS_OK), ""


class OfficialClient:
    """The official client in a thread."""

    def __init__(self, base_url: str, isv: Isv, handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dingtalk_stream.DingTalkStreamClient, "OPEN_CONNECTION_API", base_url + OPEN)
        monkeypatch.setattr(dingtalk_stream.DingTalkStreamClient, "RECONNECT_BASE_DELAY_SECONDS", 0.05)
        monkeypatch.setattr(dingtalk_stream.DingTalkStreamClient, "RECONNECT_JITTER_SECONDS", 0.05)
        # It asks the routing table by way of an address outside, which tests must not use.
        monkeypatch.setattr(dingtalk_stream.DingTalkStreamClient, "get_host_ip", lambda _client: "127.0.0.1")
        credential = dingtalk_stream.Credential(isv.suite_key, isv.secret)
        self._client = dingtalk_stream.DingTalkStreamClient(credential, logging.getLogger("quiet"))
        self._client.register_all_event_handler(handler)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._loop.run_until_complete(self._client.start())
        self._loop.close()

    def __enter__(self) -> "OfficialClient":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._client.stop(), self._loop).result(5)
        self._thread.join(10)


@pytest.fixture
def connected(simulator, isv, monkeypatch):
    """Connect the official client with a handler, once or several times."""
    clients: list[OfficialClient] = []

    def _connect(handler: Handler) -> Handler:
        before = len(connections(isv))
        client = OfficialClient(simulator.base_url, isv, handler, monkeypatch)
        clients.append(client.__enter__())
        eventually(lambda: len(connections(isv)) > before)
        return handler

    yield _connect
    for client in clients:
        client.__exit__(None, None, None)


def connections(isv: Isv) -> list[dict[str, Any]]:
    found = isv.remote._call("GET", "/_sim/stream/connections", params={"suite_key": isv.suite_key})
    return list(found["connections"])


def open_connection(simulator: RunningSimulator, isv: Isv, **changes: Any) -> requests.Response:
    body = {
        "clientId": isv.suite_key,
        "clientSecret": isv.secret,
        "subscriptions": [{"type": "EVENT", "topic": "*"}],
        **changes,
    }
    return requests.post(simulator.base_url + OPEN, json=body, timeout=5)


def act(isv: Isv, corp_id: str, action: str, **how: Any) -> dict[str, Any]:
    return dict(isv.remote.act(isv.suite_key, corp_id, action, **how))


def last_push(isv: Isv) -> dict[str, Any]:
    return dict(isv.remote.pushes(suite_key=isv.suite_key)["pushes"][-1])


def test_the_official_client_gets_what_a_company_does(isv, corp_id, connected):
    handler = connected(Handler())

    done = act(isv, corp_id, "authorize")
    act(isv, corp_id, "stop")
    act(isv, corp_id, "relieve")

    assert done["accepted"]
    auth, stop, relieve = handler.events
    assert [event.headers.event_type for event in handler.events] == [
        "org_suite_auth",
        "org_micro_app_stop",
        "org_suite_relieve",
    ]
    assert {event.headers.event_corp_id for event in handler.events} == {corp_id}
    assert len({event.headers.event_id for event in handler.events}) == 3
    assert auth.data["permanentCode"] == done["grant"]["permanent_code"]
    assert auth.data["authCorpInfo"]["corpid"] == corp_id
    assert auth.data["authInfo"]["agent"][0]["agentid"] == done["grant"]["agent_id"]
    assert stop.data["agentId"] == done["grant"]["agent_id"]
    assert relieve.data == {}


def test_a_ticket_comes_over_the_connection(isv, connected):
    handler = connected(Handler())

    isv.remote.push_ticket(isv.suite_key)

    assert handler.events[0].headers.event_type == "suite_ticket"
    assert handler.events[0].data == {"suiteTicket": isv.remote.suite(isv.suite_key)["suite_ticket"]}


def test_an_event_that_is_not_acknowledged_is_sent_again(isv, corp_id, connected):
    handler = connected(Handler(codes=[500, 404]))

    act(isv, corp_id, "authorize")

    eventually(lambda: last_push(isv)["state"] == "delivered")
    assert [attempt["accepted"] for attempt in last_push(isv)["attempts"]] == [False, False, True]
    assert len({event.headers.event_id for event in handler.events}) == 1
    assert len({event.headers.message_id for event in handler.events}) == 3


def test_a_lost_acknowledgement_is_one_that_did_not_come(isv, corp_id, connected):
    handler = connected(Handler())
    isv.remote.add_fault(endpoint="push", kind="drop_answer", count=1)

    act(isv, corp_id, "authorize")

    eventually(lambda: last_push(isv)["state"] == "delivered")
    assert len(handler.events) == 2


def test_without_a_connection_an_event_waits_for_one(isv, corp_id, connected):
    done = act(isv, corp_id, "authorize")

    assert not done["accepted"]
    handler = connected(Handler())
    eventually(lambda: handler.events)


def test_each_event_goes_to_one_of_several_connections(isv, corp_id, connected):
    handlers = [connected(Handler()), connected(Handler())]

    for _ in range(12):
        assert act(isv, corp_id, "authorize")["accepted"]

    assert len(handlers[0].events) + len(handlers[1].events) == 12
    assert handlers[0].events and handlers[1].events


def test_the_client_answers_a_ping_with_the_same_data(isv, connected):
    connected(Handler())
    (connection,) = connections(isv)

    answer = isv.remote._call("POST", f"/_sim/stream/connections/{connection['id']}/ping")

    assert answer["answered"]


@pytest.mark.parametrize("end", ["disconnect", "cut"])
def test_a_client_whose_connection_ends_opens_another(isv, corp_id, connected, end):
    handler = connected(Handler())
    (connection,) = connections(isv)

    isv.remote._call("POST", f"/_sim/stream/connections/{connection['id']}/{end}")
    eventually(lambda: [each["id"] for each in connections(isv)] not in ([], [connection["id"]]))
    act(isv, corp_id, "authorize")

    eventually(lambda: handler.events)


def test_who_does_not_go_when_told_is_closed_out(simulator, isv):
    opened = open_connection(simulator, isv).json()
    with connect(f"{opened['endpoint']}?ticket={opened['ticket']}", proxy=None) as websocket:
        (connection,) = connections(isv)
        isv.remote._call("POST", f"/_sim/stream/connections/{connection['id']}/disconnect")
        frame = json.loads(websocket.recv(timeout=5))

        with pytest.raises(websockets.exceptions.ConnectionClosed):
            websocket.recv(timeout=5)

    assert (frame["type"], frame["headers"]["topic"]) == ("SYSTEM", "disconnect")


@pytest.mark.parametrize(
    "changes", [{"clientSecret": "wrong"}, {"clientId": "unknown"}, {"clientSecret": None}]
)
def test_a_wrong_secret_gets_no_ticket(simulator, isv, changes):
    answer = open_connection(simulator, isv, **changes)

    assert (answer.status_code, answer.json()["code"]) == (401, "authFailed")


@pytest.mark.parametrize(
    "subscriptions", [None, [], [{"type": "EVENT", "topic": "user_add_org"}], [{"type": "X"}], ["*"]]
)
def test_a_subscription_that_is_none_gets_no_ticket(simulator, isv, subscriptions):
    assert open_connection(simulator, isv, subscriptions=subscriptions).status_code == 400


def test_a_ticket_opens_one_connection(simulator, isv):
    opened = open_connection(simulator, isv).json()
    url = f"{opened['endpoint']}?ticket={opened['ticket']}"

    with connect(url, proxy=None), pytest.raises(websockets.exceptions.InvalidStatus):
        connect(url, proxy=None)


def test_a_ticket_is_good_for_90_seconds(own_simulator):
    isv = make_isv(own_simulator, push_mode="stream")
    opened = open_connection(own_simulator, isv).json()
    own_simulator.remote._call("POST", "/_sim/clock", {"offset_seconds": 91})

    with pytest.raises(websockets.exceptions.InvalidStatus):
        connect(f"{opened['endpoint']}?ticket={opened['ticket']}", proxy=None)


def test_names_become_lower_camel_case_and_short_ones_stay():
    assert camel_case({"auth_corp_info": [{"corp_name": "a", "corpid": "b"}]}) == {
        "authCorpInfo": [{"corpName": "a", "corpid": "b"}]
    }
