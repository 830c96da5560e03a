"""Who a person is, as the platform tells it: codes that work once, tokens of people, and the login page."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

IN_APP, IN_APP_FLAT = "/topapi/v2/user/getuserinfo", "/user/getuserinfo"
USER_TOKEN, ME = "/v1.0/oauth2/userAccessToken", "/v1.0/contact/users/me"
SSO_TOKEN, SSO_USER = "/sso/gettoken", "/sso/getuserinfo"
TOKEN_HEADER = "x-acs-dingtalk-access-token"
PEOPLE = [{"userid": "boss", "name": "陈静"}, {"userid": "coder", "name": "赵<磊>"}]
REDIRECT_URI = "https://app.example.com/done?a=b"


@pytest.fixture
def isv(shared_simulator: RunningSimulator) -> Isv:
    return make_isv(shared_simulator)


@pytest.fixture
def corp_id(shared_simulator: RunningSimulator, isv: Isv) -> str:
    corp_id = make_company(shared_simulator, name="苏州平江茶业", users=PEOPLE)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


def code_for(isv: Isv, corp_id: str, userid: str = "coder", kind: str = "in_app", **how: Any) -> str:
    return isv.remote.login_code(isv.suite_key, corp_id, userid, kind=kind, **how)


def user_token(isv: Isv, **grant: str) -> requests.Response:
    return isv.call("POST", USER_TOKEN, {"clientId": isv.suite_key, "clientSecret": isv.secret, **grant})


def by_code(isv: Isv, code: str) -> requests.Response:
    return user_token(isv, grantType="authorization_code", code=code)


def by_refresh(isv: Isv, refresh_token: str) -> requests.Response:
    return user_token(isv, grantType="refresh_token", refreshToken=refresh_token)


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def me(isv: Isv, token: str, path: str = ME) -> requests.Response:
    return requests.get(isv.base_url + path, headers={TOKEN_HEADER: token}, timeout=10)


class TestInApp:
    def test_a_code_tells_who_it_is_once(self, isv: Isv, corp_id: str):
        code, token = code_for(isv, corp_id, "boss"), isv.corp_token(corp_id)

        first, second = (isv.post(IN_APP, {"code": code}, access_token=token) for _ in range(2))

        result = first["result"]
        assert (result["userid"], result["name"], result["sys"], result["sys_level"]) == (
            "boss",
            "陈静",
            True,
            1,
        )
        assert result["unionid"] and result["device_id"]
        assert second["errcode"] == 40078

    def test_the_old_call_says_it_flat(self, isv: Isv, corp_id: str):
        query = {"code": code_for(isv, corp_id), "access_token": isv.corp_token(corp_id)}

        answer = isv.call("GET", IN_APP_FLAT, **query).json()

        assert (answer["errcode"], answer["userid"], answer["is_sys"]) == (0, "coder", False)

    def test_no_code_another_kind_and_another_company_are_refused(
        self, isv: Isv, corp_id: str, shared_simulator: RunningSimulator
    ):
        elsewhere = make_company(shared_simulator, users=PEOPLE)
        token = isv.corp_token(corp_id)
        codes = ["", code_for(isv, corp_id, kind="web"), code_for(isv, elsewhere), "made-up"]

        refusals = [isv.post(IN_APP, {"code": code}, access_token=token)["errcode"] for code in codes]

        assert refusals == [41026, 40078, 40078, 40078]

    def test_it_ends_after_five_minutes(self, own_simulator: RunningSimulator):
        isv = make_isv(own_simulator)
        corp_id = make_company(own_simulator, users=PEOPLE)
        isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
        code, token = code_for(isv, corp_id), isv.corp_token(corp_id)
        isv.remote._call("POST", "/_sim/clock", {"offset_seconds": 301})

        assert isv.post(IN_APP, {"code": code}, access_token=token)["errcode"] == 40078


class TestUserTokens:
    def test_a_code_buys_a_token_once_and_the_token_tells_who(self, isv: Isv, corp_id: str):
        code = code_for(isv, corp_id, kind="web")

        first, second = by_code(isv, code), by_code(isv, code)

        assert (first.status_code, first.json()["corpId"], first.json()["expireIn"]) == (200, corp_id, 7200)
        assert refusal(second) == (400, "invalidParameter.authCode.notFound")
        person = me(isv, first.json()["accessToken"]).json()
        assert (person["nick"], person["stateCode"]) == ("赵<磊>", "86")
        assert person["unionId"] and person["openId"]

    def test_the_company_is_told_only_if_that_was_asked_for(self, isv: Isv, corp_id: str):
        answer = by_code(isv, code_for(isv, corp_id, kind="web", scope="openid"))

        assert "corpId" not in answer.json()

    def test_a_refresh_token_works_once_and_brings_the_next(self, isv: Isv, corp_id: str):
        first = by_code(isv, code_for(isv, corp_id, kind="web")).json()

        second, again = by_refresh(isv, first["refreshToken"]), by_refresh(isv, first["refreshToken"])

        assert second.json()["accessToken"] != first["accessToken"]
        assert refusal(again) == (400, "invalidParameter.refreshToken.notFound")
        assert by_refresh(isv, second.json()["refreshToken"]).status_code == 200

    def test_another_suite_and_a_wrong_secret_are_refused(
        self, isv: Isv, corp_id: str, shared_simulator: RunningSimulator
    ):
        other = make_isv(shared_simulator)
        code = code_for(isv, corp_id, kind="web")

        assert refusal(by_code(other, code)) == (400, "invalidParameter.authCode.notFound")
        assert refusal(user_token(isv, grantType="authorization_code", clientSecret="x")) == (
            *(400, "invalidClientIdOrSecret"),
        )
        assert refusal(user_token(isv, grantType="password")) == (400, "invalidParameter.grantType")
        assert by_code(isv, code).status_code == 200

    def test_a_companys_token_is_no_persons(self, isv: Isv, corp_id: str):
        assert refusal(me(isv, isv.corp_token(corp_id))) == (
            *(403, "Forbidden.AccessDenied.AccessTokenPermissionDenied"),
        )
        assert refusal(me(isv, "made-up")) == (400, "InvalidAuthentication")
        assert refusal(isv.call("GET", ME)) == (400, "AuthenticationFailed.MissingParameter")

    def test_a_union_id_in_the_path_names_somebody_of_the_same_company(self, isv: Isv, corp_id: str):
        token = by_code(isv, code_for(isv, corp_id, kind="web")).json()["accessToken"]
        [company] = [each for each in isv.remote.state()["companies"] if each["corp_id"] == corp_id]
        boss = next(each["unionid"] for each in company["users"] if each["userid"] == "boss")
        own = me(isv, token).json()

        assert me(isv, token, f"/v1.0/contact/users/{own['unionId']}").json() == own
        assert me(isv, token, f"/v1.0/contact/users/{boss}").json()["nick"] == "陈静"
        assert refusal(me(isv, token, "/v1.0/contact/users/nobody")) == (
            *(404, "invalidParameter.user.notFound"),
        )

    def test_who_left_is_not_found(self, isv: Isv, corp_id: str):
        token = by_code(isv, code_for(isv, corp_id, kind="web")).json()["accessToken"]
        isv.remote.dismiss(corp_id, "coder")

        assert refusal(me(isv, token)) == (404, "invalidParameter.user.notFound")


class TestConsole:
    def own(self, isv: Isv) -> dict[str, str]:
        suite = isv.remote.suite(isv.suite_key)
        return {"corpid": suite["isv_corp_id"], "corpsecret": suite["sso_secret"]}

    def test_a_code_tells_who_came_once(self, isv: Isv, corp_id: str):
        token = isv.call("GET", SSO_TOKEN, **self.own(isv)).json()["access_token"]
        code = code_for(isv, corp_id, "boss", kind="sso")

        first, second = (isv.call("GET", SSO_USER, access_token=token, code=code).json() for _ in range(2))

        assert first["user_info"]["userid"] == "boss"
        assert (first["corp_info"]["corpid"], first["is_sys"]) == (corp_id, True)
        assert second["errcode"] == 41007

    def test_the_new_calls_say_the_same(self, isv: Isv, corp_id: str):
        own = self.own(isv)
        body = {"corpid": own["corpid"], "ssoSecret": own["corpsecret"]}
        token = isv.call("POST", "/v1.0/oauth2/ssoAccessToken", body).json()["accessToken"]
        url = f"{isv.base_url}/v1.0/oauth2/ssoUserInfo"
        query = {"code": code_for(isv, corp_id, "boss", kind="sso")}

        first, second = (
            requests.get(url, query, headers={TOKEN_HEADER: token}, timeout=10) for _ in range(2)
        )

        assert (first.json()["corpId"], first.json()["userId"], first.json()["isAdmin"]) == (
            *(corp_id, "boss", True),
        )
        assert refusal(second) == (400, "invalidCode")
        assert refusal(requests.get(url, query, headers={TOKEN_HEADER: "x"}, timeout=10)) == (
            400,
            "invalidToken",
        )

    def test_a_wrong_secret_and_a_wrong_token_are_refused(self, isv: Isv, corp_id: str):
        wrong = {**self.own(isv), "corpsecret": "x"}

        assert isv.call("GET", SSO_TOKEN, **wrong).json()["errcode"] == 40001
        assert isv.call("GET", SSO_USER, access_token=isv.corp_token(corp_id)).json()["errcode"] == 40014


class TestThePage:
    def page(self, isv: Isv, **changes: str | None) -> requests.Response:
        query = {
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "client_id": isv.suite_key,
            "scope": "openid corpid",
            "prompt": "consent",
            "state": "st+/=&x",
            **changes,
        }
        return requests.get(f"{isv.base_url}/oauth2/auth", query, timeout=10, allow_redirects=False)

    def test_it_lists_people_escaped_and_sends_back_whoever_is_chosen(self, isv: Isv, corp_id: str):
        page = self.page(isv, corpId=corp_id)
        links = [unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)]
        assert "赵&lt;磊&gt;" in page.text and "<磊>" not in page.text
        assert len(links) == 3

        sent_back = requests.get(isv.base_url + links[1], timeout=10, allow_redirects=False)

        target = sent_back.headers["Location"]
        query = parse_qs(urlsplit(target).query)
        assert target.startswith("https://app.example.com/done?a=b&")
        assert query["state"] == ["st+/=&x"]
        assert query["code"] == query["authCode"]
        assert by_code(isv, query["authCode"][0]).json()["corpId"] == corp_id

    def test_who_cancels_is_sent_back_with_an_error(self, isv: Isv, corp_id: str):
        query = parse_qs(urlsplit(self.page(isv, _cancel="1").headers["Location"]).query)

        assert (query["error"], query["state"]) == (["access_denied"], ["st+/=&x"])

    def test_whoever_is_not_on_it_cannot_be_chosen(self, isv: Isv, corp_id: str):
        answer = self.page(isv, corpId=corp_id, org_type="management", _person=f"{corp_id}/coder")

        assert "error=access_denied" in answer.headers["Location"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"redirect_uri": "javascript:alert(1)"},
            {"redirect_uri": None},
            {"response_type": "token"},
            {"client_id": "nosuchsuite"},
            {"scope": "openid+corpid"},
            {"prompt": None},
            {"org_type": "all"},
            {"exclusiveCorpId": "ding1"},
        ],
    )
    def test_what_is_wrong_is_said_and_nobody_sent_anywhere(self, isv: Isv, changes: dict[str, str | None]):
        page = self.page(isv, **changes)

        assert page.status_code == 400
        assert next(iter(changes)) in page.text


def test_the_control_refuses_an_odd_code_and_an_unknown_person(isv: Isv, corp_id: str):
    with pytest.raises(requests.HTTPError, match="400"):
        code_for(isv, corp_id, kind="sms")
    with pytest.raises(requests.HTTPError, match="400"):
        code_for(isv, corp_id, kind="web", scope="email")
    with pytest.raises(requests.HTTPError, match="404"):
        code_for(isv, corp_id, "nobody")
