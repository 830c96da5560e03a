"""What the login calls send, and what they make of odd answers."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from dingtalk.client.answers import IssuedToken
from dingtalk.client.login import CurrentUser, IssuedUserToken, LoginUser, SsoUser
from dingtalk.protocol.errors import CodeSpent, TransportError
from tests.dingtalk.client.client_calls import (
    CANARY,
    CASE,
    CORP_ID,
    CORP_TOKEN,
    LOGIN_CODE,
    OAPI,
    REFRESH_TOKEN,
    SSO_SECRET,
    SSO_TOKEN,
    SUITE_KEY,
    SUITE_SECRET,
    USER_TOKEN,
    make_client,
)


def made(name: str, *, status: int = 200, **changes: Any) -> tuple[Any, Any]:
    """Make a call: what it returned, and the request that was sent; `changes` are to the answer."""
    case = CASE[name]
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(case.method, case.url, json={**case.answer, **changes}, status=status)
        returned = case.make(make_client())
        return returned, dingtalk.calls[0].request


def query_of(sent: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}


def test_a_code_of_the_client_is_sent_with_the_companys_token():
    returned, sent = made("get_login_user")

    assert returned == LoginUser("u1", "un1", "", "", "", True, 1)
    assert query_of(sent) == {"access_token": CORP_TOKEN}
    assert json.loads(sent.body) == {"code": LOGIN_CODE}


def test_a_code_of_the_login_page_is_exchanged_with_the_suites_secret():
    returned, sent = made("get_user_access_token")

    assert returned == IssuedUserToken(USER_TOKEN, REFRESH_TOKEN, 7200, CORP_ID)
    assert json.loads(sent.body) == {
        "clientId": SUITE_KEY,
        "clientSecret": SUITE_SECRET,
        "code": LOGIN_CODE,
        "grantType": "authorization_code",
    }


def test_a_refresh_token_is_exchanged_by_the_same_call():
    returned, sent = made("refresh_user_access_token")

    assert returned == IssuedUserToken(USER_TOKEN, REFRESH_TOKEN, 7200, "")
    assert json.loads(sent.body) == {
        "clientId": SUITE_KEY,
        "clientSecret": SUITE_SECRET,
        "refreshToken": REFRESH_TOKEN,
        "grantType": "refresh_token",
    }


def test_a_user_token_goes_into_the_header():
    returned, sent = made("get_current_user", mobile="155****3240")

    assert returned == CurrentUser("un1", "open1", "张三", "", "155****3240", "", "")
    assert sent.headers["x-acs-dingtalk-access-token"] == USER_TOKEN
    assert urlsplit(sent.url).query == ""


def test_the_sso_token_is_had_by_our_own_corp_id_and_secret_in_either_way():
    old, old_sent = made("get_sso_token")
    new, new_sent = made("get_sso_access_token")

    assert query_of(old_sent) == {"corpid": CORP_ID, "corpsecret": SSO_SECRET}
    assert json.loads(new_sent.body) == {"corpid": CORP_ID, "ssoSecret": SSO_SECRET}
    # No lifetime is promised for the one, and the other's hour is a sample: neither is believed to the full.
    assert old == new == IssuedToken(SSO_TOKEN, 3000)


def test_who_came_from_the_console_is_told_in_either_way():
    old, old_sent = made("get_sso_user")
    new, new_sent = made("get_sso_user_info")

    assert old == new == SsoUser(CORP_ID, "杭州云栖科技", "u1", "张伟", "", "", True)
    assert query_of(old_sent) == {"access_token": SSO_TOKEN, "code": LOGIN_CODE}
    assert query_of(new_sent) == {"code": LOGIN_CODE}
    assert new_sent.headers["x-acs-dingtalk-access-token"] == SSO_TOKEN


@pytest.mark.parametrize(
    ("name", "answer", "status"),
    [
        ("get_login_user", {"errcode": 40078, "errmsg": "x"}, 200),
        ("get_user_access_token", {"code": "invalidParameter.authCode.notFound"}, 400),
        ("get_sso_user", {"errcode": 41007, "errmsg": "x"}, 200),
        ("get_sso_user_info", {"code": "invalidCode"}, 400),
    ],
)
def test_a_code_that_is_no_good_is_spent(name: str, answer: dict[str, Any], status: int):
    with pytest.raises(CodeSpent):
        made(name, status=status, **answer)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("get_login_user", {"result": {"unionid": "un1"}}),
        ("get_login_user", {"result": []}),
        ("get_user_access_token", {"accessToken": ""}),
        ("get_user_access_token", {"refreshToken": ["odd"]}),
        ("get_current_user", {"unionId": None}),
        ("get_sso_user", {"corp_info": None}),
        ("get_sso_user_info", {"corpId": ""}),
    ],
)
def test_an_answer_that_does_not_say_who_is_none_and_may_have_spent_the_code(
    name: str, changes: dict[str, Any]
):
    with pytest.raises(TransportError) as caught:
        made(name, **changes)

    assert caught.value.retryable is CASE[name].repeatable


@pytest.mark.parametrize("lifetime", [None, "", "odd", 10**12])
def test_an_odd_lifetime_is_the_documented_one(lifetime: Any):
    returned, _ = made("get_user_access_token", expireIn=lifetime)

    assert returned.expires_in_seconds == 7200


@pytest.mark.parametrize(
    "name",
    ["get_user_access_token", "refresh_user_access_token", "get_sso_token", "get_sso_access_token"],
)
def test_what_is_returned_shows_no_token(name: str):
    assert CANARY not in repr(made(name)[0])


@pytest.mark.parametrize(
    ("contact_type", "user_id"), [(0, "u1"), ("0", "u1"), (None, "u1"), (1, ""), ("1", "")]
)
def test_an_external_contact_is_no_member(contact_type: Any, user_id: str):
    answer = {"errcode": 0, "result": {"contact_type": contact_type, "userid": "u1"}}
    with responses.RequestsMock() as dingtalk:
        dingtalk.post(f"{OAPI}/topapi/user/getbyunionid", json=answer)
        found = make_client().find_member_id(corp_access_token=CORP_TOKEN, union_id="un1")

    assert found == user_id
