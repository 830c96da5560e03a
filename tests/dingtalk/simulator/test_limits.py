"""Limits of calls: who is counted, what a refusal looks like in either family, and that all ends by time."""

from typing import Any

import pytest
import requests

from dingtalk.simulator.limits import CallLimits
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

SCOPES, AUTH_INFO, CORP_TOKEN = "/auth/scopes", "/service/get_auth_info", "/v1.0/oauth2/corpAccessToken"


@pytest.fixture
def isv(own_simulator: RunningSimulator) -> Isv:
    return make_isv(own_simulator, push_mode="sync_http")


@pytest.fixture
def corp_id(own_simulator: RunningSimulator, isv: Isv) -> str:
    return authorized(own_simulator, isv)


def authorized(simulator: RunningSimulator, isv: Isv) -> str:
    corp_id = make_company(simulator)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


def scopes(isv: Isv, token: str) -> int:
    """The errcode of a call with a company's token."""
    return int(isv.call("GET", SCOPES, access_token=token).json()["errcode"])


def corp_token_v1(isv: Isv, corp_id: str) -> requests.Response:
    body = {
        "suiteKey": isv.suite_key,
        "suiteSecret": isv.secret,
        "authCorpId": corp_id,
        "suiteTicket": isv.ticket,
    }
    return isv.call("POST", CORP_TOKEN, body)


def test_by_default_all_calls_are_answered(isv, corp_id):
    token = isv.corp_token(corp_id)

    assert {scopes(isv, token) for _ in range(60)} == {0}
    assert isv.remote.limits()["refused"] == 0


def test_calls_beyond_the_limit_of_a_second_are_refused_and_do_nothing(isv, corp_id):
    token = isv.corp_token(corp_id)
    isv.remote.set_limits(per_second=3)

    codes = [scopes(isv, token) for _ in range(5)]
    isv.remote.advance(1)

    assert codes[:3] == [0, 0, 0]
    assert codes[-1] == 90018
    assert scopes(isv, token) == 0
    assert isv.remote.limits()["refused"] == codes.count(90018)


def test_it_is_counted_by_suite_company_and_api(own_simulator, isv, corp_id):
    other_corp_id = authorized(own_simulator, isv)
    tokens = [isv.corp_token(each) for each in (corp_id, other_corp_id)]
    isv.remote.set_limits(per_minute=1)

    assert [scopes(isv, token) for token in tokens * 2] == [0, 0, 90014, 90014]
    body = {"auth_corpid": corp_id}
    assert isv.post(AUTH_INFO, body, **isv.signed_query())["errcode"] == 0
    assert isv.post(AUTH_INFO, body, **isv.signed_query())["errcode"] == 90014


def test_a_new_call_is_refused_by_name_and_status(isv, corp_id):
    isv.remote.set_limits(per_second=1, tokens_per_minute=2)

    first, second = corp_token_v1(isv, corp_id), corp_token_v1(isv, corp_id)
    isv.remote.advance(1)
    third, fourth = corp_token_v1(isv, corp_id), isv.remote.advance(1) and corp_token_v1(isv, corp_id)

    assert first.status_code == third.status_code == 200
    for refused, name in ((second, "Qps"), (fourth, "Qpm")):
        assert refused.status_code == 403
        code = f"Forbidden.AccessDenied.{name}LimitForSuitekeyAndOrgAndApi"
        assert refused.json()["code"] == code
        assert refused.json()["requestid"]


def test_too_many_requests_for_tokens_are_refused_and_issue_none(isv, corp_id):
    token = isv.corp_token(corp_id)
    isv.remote.set_limits(tokens_per_minute=1)
    query = isv.signed_query()

    answers = [isv.post("/service/get_corp_token", {"auth_corpid": corp_id}, **query) for _ in range(2)]

    assert [answer["errcode"] for answer in answers] == [0, 90014]
    assert scopes(isv, token) == 0
    assert {scopes(isv, token) for _ in range(3)} == {0}


def test_an_address_with_too_many_calls_is_blocked_for_everything_and_five_minutes(isv, corp_id):
    token = isv.corp_token(corp_id)
    isv.remote.set_limits(address_calls=10)
    assert {scopes(isv, token) for _ in range(10)} == {0}

    blocked = [isv.call("POST", path, {}) for path in (AUTH_INFO, CORP_TOKEN)]
    isv.remote.advance(299)
    still_blocked = isv.call("GET", SCOPES, access_token=token)
    isv.remote.advance(2)

    assert blocked[0].json()["status"] == still_blocked.json()["status"] == 1111
    assert "errcode" not in blocked[0].json()
    assert blocked[1].text.startswith("<!doctype html>")
    assert scopes(isv, token) == 0


def test_how_a_blocked_address_is_answered_can_be_chosen(isv):
    for answer, is_page in (("page", True), ("json", False)):
        isv.remote.set_limits(address_calls=1, block_answer=answer)
        isv.call("POST", AUTH_INFO, {})
        texts = {isv.call("POST", AUTH_INFO, {}).text[:9] == "<!doctype" for _ in range(3)}
        assert texts == {is_page}


def test_who_is_blocked_and_what_the_limits_are_can_be_asked(isv):
    isv.remote.set_limits(address_calls=1, per_second=7)
    for _ in range(3):
        isv.call("POST", AUTH_INFO, {})

    state = isv.remote.limits()

    assert (state["per_second"], state["refused"]) == (7, 2)
    assert 299 < state["blocked"]["127.0.0.1"] <= 300
    assert isv.remote.set_limits(address_calls=0)["blocked"] == {}


def test_the_platforms_numbers_are_those_of_the_documents():
    limits = CallLimits.of_the_platform()

    assert (limits.address_calls, limits.address_seconds, limits.block_seconds) == (10_000, 20, 300)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_hour": 1},
        {"per_second": -1},
        {"per_second": 1.5},
        {"per_second": "9"},
        {"per_second": True},
        {"block_answer": "silence"},
        {"block_seconds": None},
        {"address_calls": 10**9},
    ],
)
def test_limits_that_make_no_sense_are_refused_and_change_nothing(isv, wrong: dict[str, Any]):
    before = isv.remote.limits()

    with pytest.raises(requests.HTTPError, match="400"):
        isv.remote.set_limits(**wrong)

    assert isv.remote.limits() == before


def test_time_that_passes_ends_tokens_and_brings_the_next_ticket(own_simulator, isv, corp_id):
    own_simulator.options.ticket_interval_seconds = 18_000
    token, ticket = isv.corp_token(corp_id), isv.ticket

    isv.remote.advance(7_199)
    assert scopes(isv, token) == 0
    isv.remote.advance(2)
    assert scopes(isv, token) == 40014
    assert isv.ticket == ticket
    isv.remote.advance(18_000)
    assert isv.ticket != ticket
