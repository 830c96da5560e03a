"""Apps that companies made for themselves, and suites that were made for one company."""

from typing import Any

import pytest
import requests
from websockets.sync.client import connect as websocket

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_isv
from tests.dingtalk.simulator.isv import Isv, Receiver
from tests.support.callback_signer import Signer

AES_KEY = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
MESSAGES = "/topapi/message/corpconversation"


@pytest.fixture
def app(shared_simulator: RunningSimulator, corp_id: str) -> dict[str, Any]:
    state = shared_simulator.remote._call("GET", "/_sim/state")
    [company] = [each for each in state["companies"] if each["corp_id"] == corp_id]
    [app] = company["internal_apps"]
    return dict(app)


def old_token(isv: Isv, **query: str) -> dict[str, Any]:
    return dict(isv.call("GET", "/gettoken", **query).json())


@pytest.fixture
def token(sync_isv: Isv, app: dict[str, Any]) -> str:
    return str(old_token(sync_isv, appkey=app["app_key"], appsecret=app["app_secret"])["access_token"])


def test_both_calls_give_the_same_token_and_it_works(sync_isv: Isv, app: dict[str, Any]):
    old = old_token(sync_isv, appkey=app["app_key"], appsecret=app["app_secret"])
    body = {"appKey": app["app_key"], "appSecret": app["app_secret"]}
    new = sync_isv.call("POST", "/v1.0/oauth2/accessToken", body).json()

    assert (old["errcode"], old["expires_in"], new["expireIn"]) == (0, 7200, 7200)
    assert old["access_token"] == new["accessToken"]
    assert set(new) == {"accessToken", "expireIn"}
    scopes = sync_isv.call("GET", "/auth/scopes", access_token=new["accessToken"]).json()
    assert scopes["auth_org_scopes"]["authed_dept"] == [1]


def test_a_wrong_or_missing_value_is_told_apart(sync_isv: Isv, app: dict[str, Any]):
    assert old_token(sync_isv, appkey=app["app_key"], appsecret="wrong")["errcode"] == 40096
    assert old_token(sync_isv, appkey="dingnobody", appsecret=app["app_secret"])["errcode"] == 40096
    assert old_token(sync_isv, appkey=app["app_key"])["errcode"] == 40035
    answer = sync_isv.call("POST", "/v1.0/oauth2/accessToken", {"appKey": app["app_key"], "appSecret": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidClientIdOrSecret")


def test_the_old_call_reads_its_query_only(sync_isv: Isv, app: dict[str, Any]):
    form = {"appkey": app["app_key"], "appsecret": app["app_secret"]}

    answer = requests.get(f"{sync_isv.base_url}/gettoken", data=form, timeout=10)

    assert answer.json()["errcode"] == 40035


def test_old_clients_name_the_company_instead_of_the_key(
    sync_isv: Isv, app: dict[str, Any], corp_id: str, token: str
):
    by_company = old_token(sync_isv, corpid=corp_id, corpsecret=app["app_secret"])

    assert by_company["access_token"] == token
    assert old_token(sync_isv, corpid=corp_id, corpsecret="wrong")["errcode"] == 40089
    assert old_token(sync_isv, corpid="dingnobody", corpsecret=app["app_secret"])["errcode"] == 40089


def test_it_may_connect_by_stream(sync_isv: Isv, app: dict[str, Any]):
    body = {
        "clientId": app["app_key"],
        "clientSecret": app["app_secret"],
        "subscriptions": [{"type": "EVENT", "topic": "*"}],
    }

    opened = sync_isv.call("POST", "/v1.0/gateway/connections/open", body)
    refused = sync_isv.call("POST", "/v1.0/gateway/connections/open", {**body, "clientSecret": "wrong"})

    with websocket(f"{opened.json()['endpoint']}?ticket={opened.json()['ticket']}") as connection:
        connection.ping().wait(5)
    assert (refused.status_code, refused.json()["code"]) == (401, "authFailed")


def test_the_unified_call_serves_it_in_its_own_company_only(sync_isv: Isv, app: dict[str, Any], corp_id: str):
    body = {
        "client_id": app["app_key"],
        "client_secret": app["app_secret"],
        "grant_type": "client_credentials",
    }

    own = sync_isv.call("POST", f"/v1.0/oauth2/{corp_id}/token", body)
    other = sync_isv.call("POST", "/v1.0/oauth2/dingnobody/token", body)

    assert own.json()["access_token"]
    assert (other.status_code, other.json()["code"]) == (401, "unauthorized.client")


def test_it_sends_messages_but_not_by_the_templates_of_suites(sync_isv: Isv, app: dict[str, Any], token: str):
    message = {"msgtype": "text", "text": {"content": "你好"}}
    body = {"agent_id": app["agent_id"], "userid_list": "zhangsan", "template_id": "t", "msg": message}

    sent = sync_isv.post(f"{MESSAGES}/asyncsend_v2", body, access_token=token)
    refused = sync_isv.post(f"{MESSAGES}/sendbytemplate", body, access_token=token)

    assert (sent["errcode"], sent["task_id"] > 0) == (0, True)
    assert (refused["errcode"], refused["sub_code"]) == (88, "60011")


def test_what_is_there_for_suites_only_is_not_permitted(sync_isv: Isv, token: str):
    query = {"access_token": token, "appId": 1, "userId": "zhangsan"}

    refused = sync_isv.call("GET", "/user/can_access_microapp", **query).json()

    assert refused["errcode"] == 60011


def test_its_callbacks_are_checked_in_the_name_of_the_company(sync_isv: Isv, token: str, corp_id: str):
    settings = {"call_back_tag": ["user_add_org"], "token": "companytoken01", "aes_key": AES_KEY}
    with Receiver(Signer("companytoken01", AES_KEY, corp_id)) as receiver:
        body = {**settings, "url": receiver.url}

        registered = sync_isv.post("/call_back/register_call_back", body, access_token=token)

    assert registered["errcode"] == 0
    assert receiver.documents == [{"EventType": "check_url"}]


def test_a_customised_app_signs_with_any_ticket(shared_simulator: RunningSimulator, corp_id: str):
    isv = make_isv(shared_simulator, is_custom=True)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)

    answer = isv.post(
        "/service/get_corp_token", {"auth_corpid": corp_id}, **isv.signed_query(suiteTicket="custom")
    )

    assert answer["errcode"] == 0
    assert (
        isv.post(
            "/service/get_corp_token",
            {"auth_corpid": corp_id},
            **{**isv.signed_query(suiteTicket="custom"), "suiteTicket": "another"},
        )["errcode"]
        == 853004
    )
