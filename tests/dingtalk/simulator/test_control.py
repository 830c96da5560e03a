"""The control interface: suites, companies, clock and refusals."""

import time
from typing import Any

import pytest
import requests

from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv, receiving
from tests.dingtalk.simulator.isv import Isv, Receiver, eventually


def test_a_registered_suite_is_complete(shared_simulator: RunningSimulator):
    isv = make_isv(shared_simulator, name="请假助手", push_mode="http")

    suite = isv.remote.suite(isv.suite_key)

    assert suite["name"] == "请假助手"
    assert len(suite["encoding_aes_key"]) == 43
    assert suite["suite_ticket"]
    assert isv.call("GET", f"/_sim/suites/{isv.suite_key}").json() == suite
    assert suite in isv.call("GET", "/_sim/suites").json()["suites"]


def test_new_credentials_seal_the_next_push(sync_isv: Isv, sync_receiver: Receiver):
    changes = {"token": "another1", "encoding_aes_key": "A" * 43}
    sync_isv.remote._call("PUT", f"/_sim/suites/{sync_isv.suite_key}", changes)

    with_old_keys = sync_isv.remote.push_event(sync_isv.suite_key, {"EventType": "x"})

    assert with_old_keys["accepted"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"suite_key": "suiteother"},
        {"nothing": 1},
        {"push_mode": "pigeon"},
        {"encoding_aes_key": "short"},
        {"signature_parameter": "sign"},
        {"callback_url": 5},
        {"callback_url": "ftp://x"},
        {"wants_random": "yes"},
        {"deadline_ms": 0},
        {"token": ""},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(sync_isv: Isv, changes: dict):
    before = sync_isv.remote.suite(sync_isv.suite_key)

    answer = sync_isv.call("PUT", f"/_sim/suites/{sync_isv.suite_key}", changes)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sync_isv.remote.suite(sync_isv.suite_key) == before


def test_a_suite_or_company_is_made_once(shared_simulator: RunningSimulator):
    isv, corp_id = make_isv(shared_simulator), make_company(shared_simulator)

    assert isv.call("POST", "/_sim/suites", {"suite_key": isv.suite_key}).status_code == 400
    assert isv.call("POST", "/_sim/companies", {"corp_id": corp_id}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_sim/nothing", None, 404),
        ("GET", "/_sim/suites/suiteunknown", None, 404),
        ("GET", "/_sim/suites/{suite}/companies/{corp}", None, 404),
        ("POST", "/_sim/suites/{suite}/companies/dingnobody/authorize", {}, 404),
        ("POST", "/_sim/suites/{suite}/companies/{corp}/dance", {}, 404),
        ("POST", "/_sim/suites/{suite}/companies/{corp}/authorize", {"deliveries": -1}, 400),
        ("POST", "/_sim/suites/{suite}/companies/{corp}/authorize", {"platform_time_ms": "x"}, 400),
        ("POST", "/_sim/suites/{suite}/companies/{corp}/authorize", {"dept_ids": ["x"]}, 400),
        ("POST", "/_sim/suites/{suite}/check-url", {"event": "suite_ticket"}, 400),
        ("POST", "/_sim/suites/{suite}/push", {}, 400),
        ("POST", "/_sim/suites/{suite}/redeliver", {}, 400),
        ("POST", "/_sim/suites/{suite}/redeliver", {"push_id": 999999}, 404),
        ("POST", "/_sim/clock", {"offset_seconds": "x"}, 400),
        ("POST", "/_sim/clock", [1], 400),
        ("GET", "/_sim/calls?since_id=x", None, 400),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_a_reason(
    sync_isv: Isv, corp_id: str, method: str, path: str, body: Any, status: int
):
    answer = sync_isv.call(method, path.format(suite=sync_isv.suite_key, corp=corp_id), body)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_body_that_is_no_json_is_refused(sync_isv: Isv):
    answer = requests.post(f"{sync_isv.base_url}/_sim/clock", data=b"{", timeout=10)

    assert answer.status_code == 400


def test_the_clock_moves_signatures_and_expiry(own_simulator: RunningSimulator):
    isv, corp_id = make_isv(own_simulator), make_company(own_simulator)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    token = isv.corp_token(corp_id)

    isv.remote._call("POST", "/_sim/clock", {"offset_seconds": 7201})

    assert isv.call("GET", "/auth/scopes", access_token=token).json()["errcode"] == 40014
    signed = isv.post("/service/get_corp_token", {"auth_corpid": corp_id}, **isv.signed_query())
    assert signed["errcode"] == 853002


def test_a_replaced_ticket_may_have_a_grace():
    with RunningSimulator(options=SimulatorOptions(ticket_grace_seconds=60)) as simulator:
        isv = make_isv(simulator)
        old = isv.ticket
        isv.remote.push_ticket(isv.suite_key)
        body = {"suite_key": isv.suite_key, "suite_secret": isv.secret, "suite_ticket": old}

        within = isv.post("/service/get_suite_token", body)
        isv.remote._call("POST", "/_sim/clock", {"offset_seconds": 61})
        after = isv.post("/service/get_suite_token", body)

    assert (within["errcode"], after["errcode"]) == (0, 40085)


def test_tickets_are_pushed_at_the_start_and_on_a_schedule():
    options = SimulatorOptions(push_tickets_at_start=True, ticket_interval_seconds=0.1)
    with RunningSimulator(options=options) as simulator:
        isv = make_isv(simulator, push_mode="http")
        with receiving(isv) as receiver:
            eventually(lambda: len(receiver.documents) >= 2)
        first_pushes = isv.remote.pushes()["pushes"][:2]

    assert {document["EventType"] for document in receiver.documents} == {"suite_ticket"}
    assert len({document["SuiteTicket"] for document in receiver.documents}) == len(receiver.documents)
    assert len({push["suite_key"] for push in first_pushes}) == 2


def test_a_simulator_ends_soon_also_while_it_hangs_and_repeats():
    options = SimulatorOptions(retry_delays_seconds=(60.0,))
    with RunningSimulator(options=options) as simulator:
        isv = make_isv(simulator)
        with receiving(isv) as receiver:
            receiver.reply = lambda _signer, _document: (500, b"")
            isv.remote.push_event(isv.suite_key, {"EventType": "x"})
        started = time.monotonic()

    assert time.monotonic() - started < 5
    with pytest.raises(requests.ConnectionError):
        isv.call("GET", "/")
