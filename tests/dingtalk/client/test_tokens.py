"""What the calls send that obtain tokens and tickets, beside those that every suite has always had."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from dingtalk.client.answers import IssuedToken
from dingtalk.client.installations import AgentSwitch, AppAuthInfo, InstalledAgent
from dingtalk.protocol.errors import ApiError, TransportError
from dingtalk.protocol.grant import Agent
from tests.dingtalk.client.client_calls import (
    API,
    APP_KEY,
    APP_SECRET,
    CASE,
    CORP_ID,
    CORP_TOKEN,
    JSAPI_TICKET,
    SUITE_KEY,
    SUITE_SECRET,
    SUITE_TOKEN,
    TICKET,
    make_client,
)

TOKEN_HEADER = "x-acs-dingtalk-access-token"


def made(name: str, **changes: Any) -> tuple[Any, Any]:
    """Make a call; what it returned, and the request that was sent."""
    case = CASE[name]
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(case.method, case.url, json={**case.answer, **changes})
        return case.make(make_client()), dingtalk.calls[0].request


def query_of(sent: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}


def test_the_unified_call_is_in_snake_case_and_has_the_company_in_its_path():
    returned, sent = made("get_unified_token")

    assert returned == IssuedToken(CORP_TOKEN, 7200)
    assert sent.url == f"{API}/v1.0/oauth2/{CORP_ID}/token"
    assert json.loads(sent.body) == {
        "client_id": SUITE_KEY,
        "client_secret": SUITE_SECRET,
        "grant_type": "client_credentials",
    }


def unified(corp_id: str) -> IssuedToken:
    return make_client().get_unified_token(client_id=SUITE_KEY, client_secret=SUITE_SECRET, corp_id=corp_id)


@responses.activate
def test_the_company_in_the_path_is_one_encoded_segment():
    answer = CASE["get_unified_token"].answer
    responses.post(f"{API}/v1.0/oauth2/a%2F..%2F%3Fb%23%20%25%E4%BC%81/token", json=answer)

    assert unified("a/../?b# %企") == IssuedToken(CORP_TOKEN, 7200)


@responses.activate
@pytest.mark.parametrize("corp_id", ["", ".", ".."])
def test_a_company_that_would_be_another_path_is_not_asked_for(corp_id: str):
    with pytest.raises(TransportError):
        unified(corp_id)

    assert len(responses.calls) == 0


@responses.activate
def test_an_error_names_the_template_and_not_the_company():
    responses.post(CASE["get_unified_token"].url, json={"code": "invalid.client"}, status=400)

    with pytest.raises(ApiError) as refusal:
        unified(CORP_ID)

    assert refusal.value.endpoint == "/v1.0/oauth2/{corpId}/token"


def test_the_new_call_for_the_suite_token_is_in_camel_case():
    returned, sent = made("create_suite_access_token")

    assert returned == IssuedToken(SUITE_TOKEN, 7200)
    assert json.loads(sent.body) == {
        "suiteKey": SUITE_KEY,
        "suiteSecret": SUITE_SECRET,
        "suiteTicket": TICKET,
    }


def test_the_old_call_for_a_jsapi_ticket_has_the_token_in_its_query():
    returned, sent = made("get_jsapi_ticket")

    assert returned == IssuedToken(JSAPI_TICKET, 7200)
    assert query_of(sent) == {"access_token": CORP_TOKEN}


def test_the_new_call_for_a_jsapi_ticket_has_an_empty_body_and_the_token_in_its_header():
    returned, sent = made("create_jsapi_ticket")

    assert returned == IssuedToken(JSAPI_TICKET, 7200)
    assert sent.headers[TOKEN_HEADER] == CORP_TOKEN
    assert urlsplit(sent.url).query == ""
    assert sent.body is None
    assert "Content-Type" not in sent.headers
    assert sent.headers["Content-Length"] == "0"


@pytest.mark.parametrize(
    ("name", "lifetime"), [("get_jsapi_ticket", "expires_in"), ("create_jsapi_ticket", "expireIn")]
)
@pytest.mark.parametrize(
    ("said", "read"), [("7200", 7200), (7_200_000, 7200), (None, 7200), (-5, 60), ("soon", 7200), (30, 60)]
)
def test_a_lifetime_is_read_defensively(name: str, lifetime: str, said: Any, read: int):
    returned, _sent = made(name, **{lifetime: said})

    assert returned.expires_in_seconds == read


def test_an_app_of_a_company_itself_gets_its_token_by_key_and_secret():
    old, sent = made("get_internal_app_token")
    assert query_of(sent) == {"appkey": APP_KEY, "appsecret": APP_SECRET}

    new, sent = made("get_internal_app_access_token")
    assert json.loads(sent.body) == {"appKey": APP_KEY, "appSecret": APP_SECRET}
    assert old == new == IssuedToken(CORP_TOKEN, 7200)


def test_what_was_granted_is_read_from_the_new_call_too():
    returned, sent = made("get_app_auth_info")

    assert (query_of(sent), sent.headers[TOKEN_HEADER]) == ({"authCorpId": CORP_ID}, SUITE_TOKEN)
    agent = Agent(agent_id=1, app_id=5, name="考勤", logo_url="", admin_user_ids=("m",))
    assert returned == AppAuthInfo("杭州云栖科技", "软件", 0, (agent,), "m")


@pytest.mark.parametrize(
    "odd",
    [{"authAppInfo": []}, {"authAppInfo": None}, {"authCorpInfo": "x"}, {"authAppInfo": {"agentList": {}}}],
)
def test_an_answer_of_another_shape_is_none(odd: dict[str, Any]):
    with pytest.raises(TransportError):
        made("get_app_auth_info", **odd)


def test_an_agent_is_asked_for_with_signature_and_suite_token():
    returned, sent = made("get_agent")

    assert returned == InstalledAgent(1001, "考勤", "", "d", AgentSwitch.NORMAL)
    query = query_of(sent)
    assert query["suite_access_token"] == SUITE_TOKEN
    assert {"accessKey", "timestamp", "suiteTicket", "signature"} < set(query)
    assert json.loads(sent.body) == {"agentid": "1001", "auth_corpid": CORP_ID, "suite_key": SUITE_KEY}


def test_a_switch_that_we_do_not_know_is_none():
    assert made("get_agent", close=7)[0].switch is None
    assert made("get_agent", close="2")[0].switch is AgentSwitch.WAITING_FOR_ACTIVATION
