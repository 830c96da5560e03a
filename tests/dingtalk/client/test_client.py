"""What each call sends, what it returns, and how long the client of a process lives."""

import base64
import hashlib
import hmac
import json
import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from dingtalk.client import (
    authorization,
    callbacks,
    contacts,
    corp_tokens,
    departments,
    dingtalk_client,
    installations,
    internal_apps,
    jsapi,
    login,
    market,
    messages,
    roles,
    stream,
    translation,
    users,
)
from dingtalk.client.answers import IssuedToken, PermanentCode, UnactiveCorps
from dingtalk.client.call import Call, Request
from tests.dingtalk.client.client_calls import (
    CANARY,
    CASE,
    CASES,
    CORP_ID,
    CORP_TOKEN,
    IDENTITY,
    NOW,
    PERMANENT_CODE,
    SUITE_KEY,
    SUITE_SECRET,
    SUITE_TOKEN,
    TICKET,
    TMP_CODE,
    Case,
    make_client,
)

GROUPS = (
    authorization,
    callbacks,
    corp_tokens,
    contacts,
    departments,
    installations,
    internal_apps,
    jsapi,
    login,
    market,
    messages,
    roles,
    stream,
    translation,
    users,
)
# Beside what spends a code: a message goes out twice, a page of failed pushes is gone.
HARMFUL_TWICE = (messages.SEND, messages.SEND_BY_TEMPLATE, callbacks.GET_FAILED)


def made(name: str) -> tuple[Any, Any]:
    """Make a call that is answered as it should be: what it returned, and the request that was sent."""
    case = CASE[name]
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(case.method, case.url, json=case.answer)
        returned = case.make(make_client())
        return returned, dingtalk.calls[0].request


def query_of(sent: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}


def test_a_suite_identifies_itself_in_the_body_for_its_own_token():
    returned, sent = made("get_suite_access_token")

    assert returned == IssuedToken(SUITE_TOKEN, 7200)
    assert urlsplit(sent.url).query == ""
    assert json.loads(sent.body) == {
        "suite_key": SUITE_KEY,
        "suite_secret": SUITE_SECRET,
        "suite_ticket": TICKET,
    }


def test_a_temporary_code_is_exchanged_with_the_suite_token():
    returned, sent = made("get_permanent_code")

    assert returned == PermanentCode(CORP_ID, PERMANENT_CODE, "杭州云栖科技")
    assert query_of(sent) == {"suite_access_token": SUITE_TOKEN}
    assert json.loads(sent.body) == {"tmp_auth_code": TMP_CODE}


def test_what_a_company_has_granted_is_a_grant():
    returned, sent = made("get_auth_info")

    assert (returned.corp_id, returned.corp_name) == (CORP_ID, "杭州云栖科技")
    assert json.loads(sent.body) == {"auth_corpid": CORP_ID, "suite_key": SUITE_KEY}


def test_a_company_token_comes_by_the_signed_call():
    returned, sent = made("get_corp_token")

    assert returned == IssuedToken(CORP_TOKEN, 7200)
    assert json.loads(sent.body) == {"auth_corpid": CORP_ID}


def test_a_company_token_comes_by_the_new_call_without_any_query():
    returned, sent = made("get_corp_access_token")

    assert returned == IssuedToken(CORP_TOKEN, 7200)
    assert urlsplit(sent.url).query == ""
    assert sent.headers["Content-Type"] == "application/json"
    assert json.loads(sent.body) == {
        "suiteKey": SUITE_KEY,
        "suiteSecret": SUITE_SECRET,
        "authCorpId": CORP_ID,
        "suiteTicket": TICKET,
    }


def test_an_activation_names_suite_company_and_permanent_code():
    returned, sent = made("activate_suite")

    assert returned is None
    assert query_of(sent) == {"suite_access_token": SUITE_TOKEN}
    assert json.loads(sent.body) == {
        "suite_key": SUITE_KEY,
        "auth_corpid": CORP_ID,
        "permanent_code": PERMANENT_CODE,
    }


def test_waiting_companies_are_listed_by_the_app_as_a_number():
    returned, sent = made("get_unactive_corps")

    assert returned == UnactiveCorps(55, [CORP_ID], has_more=False)
    assert json.loads(sent.body) == {"app_id": 55}


def test_grants_are_asked_for_again_by_the_app_as_text():
    returned, sent = made("reauth_corp")

    assert returned is None
    assert json.loads(sent.body) == {"app_id": "55", "corpid_list": [CORP_ID]}


@responses.activate
def test_an_unknown_app_is_not_named():
    for name in ("get_unactive_corps", "reauth_corp"):
        responses.post(CASE[name].url, json=CASE[name].answer)
    client = make_client()

    client.get_unactive_corps(suite_access_token=SUITE_TOKEN)
    client.reauth_corp(suite_access_token=SUITE_TOKEN, app_id=None, corp_ids=[CORP_ID])

    assert [json.loads(call.request.body) for call in responses.calls] == [{}, {"corpid_list": [CORP_ID]}]


def test_the_scope_is_asked_for_with_the_company_token():
    returned, sent = made("get_auth_scopes")

    assert returned == {"user_ids": ["u1"], "dept_ids": [1], "user_fields": ["name"]}
    assert query_of(sent) == {"access_token": CORP_TOKEN}
    assert sent.body is None


@pytest.mark.parametrize("name", ["get_auth_info", "get_corp_token"])
def test_a_signed_call_has_all_four_values_in_the_query(name: str):
    _returned, sent = made(name)

    signed = f"{int(NOW * 1000)}\n{TICKET}".encode()
    mac = hmac.new(SUITE_SECRET.encode(), signed, hashlib.sha256).digest()
    assert query_of(sent) == {
        "accessKey": SUITE_KEY,
        "timestamp": str(int(NOW * 1000)),
        "suiteTicket": TICKET,
        "signature": base64.b64encode(mac).decode(),
    }


@pytest.mark.parametrize("name", ["get_auth_info", "get_corp_token", "get_permanent_code", "get_auth_scopes"])
def test_everything_in_a_query_is_strictly_encoded(name: str):
    _returned, sent = made(name)

    values = [part.partition("=")[2] for part in urlsplit(sent.url).query.split("&")]
    assert all(set(value).isdisjoint("+/= ") for value in values)
    assert "%2B%2F%3D" in sent.url


@responses.activate
def test_each_signature_is_of_the_moment_it_is_sent():
    case = CASE["get_corp_token"]
    responses.post(case.url, json=case.answer)
    moments = iter([NOW, NOW + 90])
    client = make_client(clock=lambda: next(moments))

    case.make(client)
    case.make(client)

    first, second = (query_of(call.request) for call in responses.calls)
    assert int(second["timestamp"]) - int(first["timestamp"]) == 90_000
    assert first["signature"] != second["signature"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_what_spends_a_code_or_sends_a_message_is_not_repeatable(case: Case):
    described = [value for group in GROUPS for value in vars(group).values() if isinstance(value, Call)]
    [call] = [each for each in described if each.endpoint == case.endpoint]

    assert call.repeatable is case.repeatable
    assert (call.spends_code or call in HARMFUL_TWICE) is not case.repeatable


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_that_is_returned_shows_a_secret(case: Case):
    returned, _sent = made(case.name)

    assert CANARY not in repr(returned)


def test_an_identity_and_a_request_do_not_show_their_secrets():
    request = Request(contacts.GET_AUTH_SCOPES, query={"access_token": CORP_TOKEN}, body={"a": TICKET})

    assert CANARY not in repr(IDENTITY) + repr(request)


def test_a_process_has_one_client(settings: Any):
    assert dingtalk_client() is dingtalk_client()


@responses.activate
def test_changed_settings_make_another_client(settings: Any):
    before = dingtalk_client()
    settings.DINGTALK_OAPI_BASE_URL = "https://oapi.example.com/"
    case = CASE["get_auth_scopes"]
    responses.get("https://oapi.example.com/auth/scopes", json=case.answer)

    after = dingtalk_client()

    assert after is not before
    assert case.make(after)["user_ids"] == ["u1"]


def test_other_settings_change_nothing(settings: Any):
    before = dingtalk_client()

    settings.PUBLIC_BASE_URL = "https://portal.example.com"

    assert dingtalk_client() is before


def test_a_forked_process_has_a_client_of_its_own():
    before = dingtalk_client()

    pid = os.fork()
    if pid == 0:
        os._exit(0 if dingtalk_client() is not before else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert dingtalk_client() is before
