"""`/v1.0/oauth2/*`: shapes and errors of the new family."""

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company
from tests.dingtalk.simulator.isv import Isv


@pytest.fixture
def granted(isv: Isv, corp_id: str) -> str:
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


def error_of(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error, whose shape is checked."""
    content = answer.json()
    assert {"requestid", "code", "message"} <= set(content)
    assert "errcode" not in content
    return answer.status_code, content["code"]


def app(isv: Isv, **changes: str) -> dict[str, str]:
    return {"suiteKey": isv.suite_key, "suiteSecret": isv.secret, "suiteTicket": isv.ticket, **changes}


def test_a_suite_token_opens_the_old_family_too(isv: Isv):
    answer = isv.call("POST", "/v1.0/oauth2/suiteAccessToken", app(isv)).json()

    assert set(answer) == {"accessToken", "expireIn"}
    assert answer["expireIn"] == 7200
    listed = isv.post("/service/get_unactive_corp", {}, suite_access_token=answer["accessToken"])
    assert listed["errcode"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"suiteKey": "suiteunknown"}, "invalidClientIdOrSecret"),
        ({"suiteSecret": "wrong"}, "invalidClientIdOrSecret"),
        ({"suiteTicket": "wrong"}, "invalidSuiteTicket"),
    ],
)
def test_a_suite_token_is_refused(isv: Isv, changes: dict, code: str):
    answer = isv.call("POST", "/v1.0/oauth2/suiteAccessToken", app(isv, **changes))

    assert error_of(answer) == (400, code)


def test_a_corp_token_works_and_is_a_new_one_each_time(isv: Isv, granted: str):
    body = app(isv, authCorpId=granted)

    tokens = [isv.call("POST", "/v1.0/oauth2/corpAccessToken", body).json()["accessToken"] for _ in range(2)]

    assert len(set(tokens)) == 2
    assert isv.call("GET", "/auth/scopes", access_token=tokens[0]).json()["errcode"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"suiteKey": "suiteunknown"}, "invalidSuiteKey"),
        ({"suiteSecret": "wrong"}, "invalidClientIdOrSecret"),
        ({"suiteTicket": "wrong"}, "invalidSuiteTicket"),
        ({"authCorpId": "dingnobody"}, "invalidAuthInfo"),
        ({"authCorpId": ""}, "invalidAuthInfo"),
    ],
)
def test_a_corp_token_is_refused(isv: Isv, granted: str, changes: dict, code: str):
    body = app(isv, authCorpId=granted, **changes) if "authCorpId" not in changes else app(isv, **changes)

    assert error_of(isv.call("POST", "/v1.0/oauth2/corpAccessToken", body)) == (400, code)


def test_a_withdrawn_grant_gives_no_corp_token(isv: Isv, granted: str):
    isv.remote.act(isv.suite_key, granted, "relieve", silent=True)

    answer = isv.call("POST", "/v1.0/oauth2/corpAccessToken", app(isv, authCorpId=granted))

    assert error_of(answer) == (400, "invalidAuthInfo")


def unified(isv: Isv, corp_id: str, **changes: str) -> requests.Response:
    body = {
        "client_id": isv.suite_key,
        "client_secret": isv.secret,
        "grant_type": "client_credentials",
        **changes,
    }
    return isv.call("POST", f"/v1.0/oauth2/{corp_id}/token", body)


def test_the_unified_token_needs_no_ticket(isv: Isv, granted: str):
    answer = unified(isv, granted).json()

    assert set(answer) == {"access_token", "expires_in"}
    scopes = isv.call("GET", "/auth/scopes", access_token=answer["access_token"]).json()
    assert scopes["errcode"] == 0


def test_the_unified_token_is_refused(isv: Isv, granted: str):
    assert error_of(unified(isv, granted, client_secret="wrong")) == (400, "invalid.client")
    assert error_of(unified(isv, granted, grant_type="password")) == (400, "unsupported.grant.type")
    assert error_of(unified(isv, "dingnobody")) == (401, "unauthorized.client")


def auth_info(isv: Isv, corp_id: str, **headers: str) -> requests.Response:
    return requests.get(
        f"{isv.base_url}/v1.0/oauth2/apps/authInfo",
        params={"authCorpId": corp_id},
        headers=headers,
        timeout=10,
    )


def test_auth_info_tells_how_far_a_company_is_verified(isv: Isv, shared_simulator: RunningSimulator):
    corp_id = make_company(shared_simulator, auth_level=2)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)

    answer = auth_info(isv, corp_id, **{"x-acs-dingtalk-access-token": isv.suite_token()}).json()

    assert answer["authCorpInfo"]["authLevel"] == 2


def test_auth_info_is_told_in_camel_case(isv: Isv, granted: str):
    headers = {"x-acs-dingtalk-access-token": isv.suite_token()}

    answer = auth_info(isv, granted, **headers).json()

    assert answer["authCorpInfo"]["corpName"] == "苏州平江茶业"
    (agent,) = answer["authAppInfo"]["agentList"]
    assert agent["agentId"] == isv.grant(granted)["agent_id"]
    assert answer["authUserInfo"] == {"userId": "manager01"}


def test_auth_info_is_refused_by_what_is_wrong(isv: Isv, corp_id: str):
    headers = {"x-acs-dingtalk-access-token": isv.suite_token()}

    assert error_of(auth_info(isv, "dingnobody", **headers)) == (400, "invalidCorpId")
    assert error_of(auth_info(isv, corp_id, **headers)) == (400, "orgNotAuthApp")


def test_the_token_counts_in_its_header_only(isv: Isv, granted: str):
    token = isv.suite_token()

    elsewhere = auth_info(isv, granted, Authorization=f"Bearer {token}")
    quoted = auth_info(isv, granted, **{"x-acs-dingtalk-access-token": f'"{token}"'})
    of_company = auth_info(isv, granted, **{"x-acs-dingtalk-access-token": isv.corp_token(granted)})

    assert error_of(elsewhere) == (400, "AuthenticationFailed.MissingParameter")
    assert error_of(quoted) == (400, "InvalidAuthentication")
    assert error_of(of_company) == (403, "Forbidden.AccessDenied.AccessTokenPermissionDenied")


def test_only_json_is_a_body(isv: Isv):
    url = f"{isv.base_url}/v1.0/oauth2/suiteAccessToken"

    for answer in (
        requests.post(url, data=app(isv), timeout=10),
        requests.post(url, timeout=10),
        requests.post(url, data=b"{", headers={"Content-Type": "application/json"}, timeout=10),
        requests.post(url, json=[1], timeout=10),
    ):
        assert error_of(answer) == (400, "Missingbody")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1.0/nothing"), ("GET", "/v1.0/oauth2/corpAccessToken"), ("POST", "/v2.0/x/y")],
)
def test_an_unknown_action_is_not_found(isv: Isv, method: str, path: str):
    assert error_of(isv.call(method, path, {})) == (404, "InvalidAction.NotFound")
