"""Apps that companies made for themselves, and suites that were made for one company."""

from typing import Any

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_isv
from tests.dingtalk.simulator.isv import Isv


@pytest.fixture
def app(shared_simulator: RunningSimulator, corp_id: str) -> dict[str, Any]:
    state = shared_simulator.remote._call("GET", "/_sim/state")
    [company] = [each for each in state["companies"] if each["corp_id"] == corp_id]
    [app] = company["internal_apps"]
    return dict(app)


def old_token(isv: Isv, **query: str) -> dict[str, Any]:
    return dict(isv.call("GET", "/gettoken", **query).json())


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
