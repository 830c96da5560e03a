"""The address of the login page: what is in it, how it is written, and what is refused."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from dingtalk.protocol.login_url import (
    LoginScope,
    OrgType,
    UnusableLogin,
    admin_consent_url,
    check_redirect_uri,
    login_url,
)

REDIRECT_URI = "https://app.example.com/done?next=%2Fhome&a=b+c"
LEAST: dict[str, Any] = {"client_id": "suitekey0001", "redirect_uri": REDIRECT_URI, "state": "st+/="}


def test_all_ten_parameters_are_there():
    url = login_url(
        **LEAST,
        org_type=OrgType.MANAGEMENT,
        corp_id="dingcorp0001",
        exclusive_login=True,
        exclusive_corp_id="dingcorp0002",
    )

    assert url.startswith("https://login.dingtalk.com/oauth2/auth?")
    assert parse_qsl(urlsplit(url).query, strict_parsing=True) == [
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("client_id", "suitekey0001"),
        ("scope", "openid corpid"),
        ("prompt", "consent"),
        ("state", "st+/="),
        ("org_type", "management"),
        ("corpId", "dingcorp0001"),
        ("exclusiveLogin", "true"),
        ("exclusiveCorpId", "dingcorp0002"),
    ]


def test_what_has_no_value_is_left_out():
    url = login_url(**LEAST, scope=LoginScope.OPENID)

    assert [name for name, _ in parse_qsl(urlsplit(url).query)] == [
        *("redirect_uri", "response_type", "client_id", "scope", "prompt", "state")
    ]


def test_a_space_is_percent_20_and_nothing_is_left_bare():
    query = urlsplit(login_url(**LEAST)).query

    assert "scope=openid%20corpid" in query
    assert "state=st%2B%2F%3D" in query
    assert "+" not in query


def test_the_page_may_be_elsewhere():
    assert login_url(**LEAST, base_url="http://127.0.0.1:9000/").startswith(
        "http://127.0.0.1:9000/oauth2/auth?"
    )


@pytest.mark.parametrize(
    ("choice", "parameter"),
    [
        ({"scope": LoginScope.OPENID, "org_type": OrgType.MANAGEMENT}, "org_type"),
        ({"scope": LoginScope.OPENID, "corp_id": "dingcorp0001"}, "corp_id"),
        ({"exclusive_corp_id": "dingcorp0001"}, "exclusive_corp_id"),
        ({"redirect_uri": "http://app.example.com/"}, "redirect_uri"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(choice: dict[str, Any], parameter: str):
    with pytest.raises(UnusableLogin) as refusal:
        login_url(**{**LEAST, **choice})

    assert refusal.value.parameter == parameter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/relative",
        "//app.example.com/",
        "app.example.com",
        "https:app.example.com",
        "https://",
        "https:///path",
        "http://app.example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "ftp://app.example.com/",
        "javascript:alert(1)//https://",
        "data:text/html,x",
        "https://user@app.example.com/",
        "https://user:word@app.example.com/",
        "https://app.example.com@evil.example/",
        "https://app.example.com\\@evil.example/",
        "https://app.example.com/#fragment",
        "https://app.example.com/#",
        "https://app.example.com:99999/",
        "https://app.example.com:x/",
        "https://[::1",
        "https://app.example.com/a b",
        " https://app.example.com/",
        "https://app.example.com/\r\nSet-Cookie: a=b",
        "https://app.example.com/\0",
        "https://аpp.example.com/",
        "https://app.example.com/<script>",
        "https://app.example.com/" + "a" * 2_000,
    ],
)
def test_a_hostile_or_odd_redirect_address_is_refused(text: str):
    with pytest.raises(UnusableLogin) as refusal:
        check_redirect_uri(text)

    assert refusal.value.parameter == "redirect_uri"


@pytest.mark.parametrize(
    "text",
    [
        "https://app.example.com/done?next=%2Fhome",
        "https://app.example.com:8443",
        "https://[2001:db8::1]/done",
        "http://localhost:3000/done",
        "http://127.0.0.1/done",
        "http://[::1]:3000/done",
    ],
)
def test_an_https_address_is_fine_and_an_http_one_of_this_machine(text: str):
    check_redirect_uri(text)


def test_an_administrator_consents_on_the_page_of_the_company():
    url = admin_consent_url(corp_id="ding/../x", **LEAST)

    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("account.dingtalk.com", "/ding%2F..%2Fx/adminConsent")
    assert dict(parse_qsl(parts.query)) == {
        "client_id": "suitekey0001",
        "redirect_uri": REDIRECT_URI,
        "state": "st+/=",
    }


def test_consent_needs_a_company_and_a_good_address():
    with pytest.raises(UnusableLogin):
        admin_consent_url(corp_id="", **LEAST)
    with pytest.raises(UnusableLogin):
        admin_consent_url(corp_id="dingcorp0001", **{**LEAST, "redirect_uri": "http://app.example.com/"})
