"""Tickets to sign pages with: the same one prolonged, dead after a day."""

import time
from collections.abc import Callable

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

HOUR = 3600


@pytest.fixture
def own_isv(own_simulator: RunningSimulator) -> Isv:
    return make_isv(own_simulator)


@pytest.fixture
def granted(own_simulator: RunningSimulator, own_isv: Isv) -> str:
    corp_id = make_company(own_simulator)
    own_isv.remote.act(own_isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


def token_at(isv: Isv, corp_id: str, *, hours: float) -> str:
    """A token of the company, at that time by the platform's clock."""
    timestamp = str(int((time.time() + hours * HOUR) * 1000))
    query = isv.signed_query(timestamp=timestamp)
    return str(isv.post("/service/get_corp_token", {"auth_corpid": corp_id}, **query)["access_token"])


def old_ticket(isv: Isv, token: str) -> str:
    answer = isv.call("GET", "/get_jsapi_ticket", access_token=token).json()
    assert (answer["errcode"], answer["expires_in"]) == (0, 7200)
    return str(answer["ticket"])


def new_ticket(isv: Isv, token: str) -> str:
    answer = post_without_body(isv, token).json()
    assert answer["expireIn"] == 7200
    assert set(answer) == {"jsapiTicket", "expireIn"}
    return str(answer["jsapiTicket"])


def post_without_body(isv: Isv, token: str) -> requests.Response:
    """As the official SDKs do: neither a body nor a content type."""
    headers = {"x-acs-dingtalk-access-token": token} if token else {}
    return requests.post(f"{isv.base_url}/v1.0/oauth2/jsapiTickets", headers=headers, timeout=10)


@pytest.mark.parametrize("ask", [old_ticket, new_ticket])
def test_the_same_ticket_comes_back_and_is_prolonged(
    own_isv: Isv, granted: str, ask: Callable[[Isv, str], str]
):
    def at(hours: float) -> str:
        own_isv.remote._call("POST", "/_sim/clock", {"offset_seconds": hours * HOUR})
        return ask(own_isv, token_at(own_isv, granted, hours=hours))

    assert at(0) == at(1.9) == at(3.8)
    assert at(3.8) != at(5.9)


def test_a_day_after_it_was_made_a_ticket_is_dead_however_often_it_was_prolonged(own_isv: Isv, granted: str):
    tickets = []
    for hours in range(26):
        own_isv.remote._call("POST", "/_sim/clock", {"offset_seconds": hours * HOUR})
        tickets.append(old_ticket(own_isv, token_at(own_isv, granted, hours=hours)))

    assert len(set(tickets[:24])) == 1
    assert tickets[24] == tickets[25] != tickets[0]


def test_both_calls_know_the_same_ticket(own_isv: Isv, granted: str):
    token = own_isv.corp_token(granted)

    assert old_ticket(own_isv, token) == new_ticket(own_isv, token)


def test_a_new_authorisation_has_a_ticket_of_its_own(own_isv: Isv, granted: str):
    before = old_ticket(own_isv, own_isv.corp_token(granted))
    own_isv.remote.act(own_isv.suite_key, granted, "relieve", silent=True)
    own_isv.remote.act(own_isv.suite_key, granted, "authorize", silent=True)

    assert old_ticket(own_isv, own_isv.corp_token(granted)) != before


def test_a_token_that_is_not_good_gets_none(own_isv: Isv, granted: str):
    assert own_isv.call("GET", "/get_jsapi_ticket", access_token="no").json()["errcode"] == 40014
    assert own_isv.call("GET", "/get_jsapi_ticket").json()["errcode"] == 41001
    for token, code in (("no", "InvalidAuthentication"), ("", "AuthenticationFailed.MissingParameter")):
        answer = post_without_body(own_isv, token)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
