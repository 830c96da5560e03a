"""Calling DingTalk through the portal, on a platform that answers."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from dingtalk.foundation.models import AuditEntry
from tenants.models import AccessToken, Scope
from tests.support.tenant_calls import (
    CORP_ID,
    OTHER_CORP_ID,
    OTHER_SUITE_KEY,
    SUITE_KEY,
    calls_of,
    hidden_tenants,
    other_suite,
    platform,
    simulator,
    suite,
    tenant,
)
from tests.tenants.api.conftest import App, _fresh_limits, code_of, make_app

__all__ = [
    "_fresh_limits",
    "hidden_tenants",
    "make_app",
    "other_suite",
    "platform",
    "simulator",
    "suite",
    "tenant",
]
pytestmark = pytest.mark.django_db

PROXY = f"/api/v1/tenants/{SUITE_KEY}/{CORP_ID}/proxy"
USER = "/topapi/v2/user/get"
ORGANIZATION = "/v1.0/contact/organizations/authInfos"
ALLOWED = [USER, "/topapi/v2/department/*", "/v1.0/contact/**", "/auth/scopes"]


@pytest.fixture
def app(make_app, tenant) -> App:
    """An app that may call some paths, and sees this one tenant only."""
    return make_app(scopes=(Scope.PROXY,), tenants=[tenant], proxy_paths=ALLOWED)


def send(app: App, method: str, url: str, body: Any = None, **options: Any) -> Any:
    browser = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    content = "" if body is None else body if isinstance(body, str | bytes) else json.dumps(body)
    options = {"content_type": "application/json" if body is not None else "", **options}
    headers = {"Authorization": f"Bearer {app.text}", **options.pop("headers", {})}
    return browser.generic(method, url, content, headers=headers, **options)


def count(platform: Any) -> int:
    return len(platform.remote.calls()["calls"])


def token() -> str:
    return AccessToken.objects.get().token


def test_an_old_call_is_answered_as_dingtalk_answers(app):
    answer = send(app, "POST", f"{PROXY}/oapi{USER}", {"userid": "coder"})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert (answer["X-Answer-From"], answer["Cache-Control"]) == ("dingtalk", "no-store")
    assert answer.json()["result"]["name"] == "赵磊"
    assert "赵磊".encode() in answer.content


def test_query_and_body_are_passed_on(app):
    by_query = send(app, "GET", f"{PROXY}/oapi{USER}?userid=coder&language=en_US")
    by_both = send(app, "POST", f"{PROXY}/oapi{USER}?userid=nobody", {"userid": "boss", "language": "zh_CN"})

    assert by_query.json()["result"]["userid"] == "coder"
    assert by_both.json()["result"]["userid"] == "boss"


def test_a_new_call_is_answered_as_dingtalk_answers(app):
    known = send(app, "GET", f"{PROXY}/api{ORGANIZATION}?targetCorpId={CORP_ID}")
    refused = send(app, "GET", f"{PROXY}/api{ORGANIZATION}?targetCorpId={OTHER_CORP_ID}")

    assert (known.status_code, known.json()["authLevel"]) == (200, 0)
    assert (refused.status_code, refused.json()["code"]) == (400, "permission.denied")
    assert refused["X-Answer-From"] == "dingtalk"


def test_a_refusal_of_dingtalk_is_passed_on_and_none_of_ours(app):
    nobody = send(app, "POST", f"{PROXY}/oapi{USER}", {"userid": "nobody"})
    unknown = send(app, "POST", f"{PROXY}/oapi/topapi/v2/department/nosuchcall", {})
    missing = send(app, "GET", f"{PROXY}/api/v1.0/contact/nosuchcall")

    assert (nobody.status_code, nobody.json()["errcode"]) == (200, 60121)
    assert (unknown.status_code, unknown.json()["errcode"]) == (200, 22)
    assert (missing.status_code, missing.json()["code"]) == (404, "InvalidAction.NotFound")
    assert missing["X-Answer-From"] == "dingtalk"


def test_every_method_is_passed_on(app, platform):
    for method in ("PUT", "PATCH", "DELETE"):
        for body in (None, {"a": 1}):
            answer = send(app, method, f"{PROXY}/api/v1.0/contact/things/7", body)

            assert (answer.status_code, answer["X-Answer-From"]) == (404, "dingtalk")
            [*_, last] = platform.remote.calls()["calls"]
            assert (last["method"], last["endpoint"]) == (method, "/v1.0/contact/things/7")


def test_other_methods_are_not(app, platform):
    before = count(platform)

    for method in ("HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"):
        assert send(app, method, f"{PROXY}/oapi{USER}").status_code == 405
    assert count(platform) == before


# As the request line has it. `@` stands for the part of the URL up to the family.
ATTACKS = [
    *(
        "@/oapi/gettoken",
        "@/oapi/service/get_corp_token",
        "@/api/v1.0/oauth2/accessToken",
        "@/oapi/sso/gettoken",
    ),
    *("@/oapi/topapi/v2/user/getuserinfo", "@/oapi/topapi/v2/user/delete", "@/oapi/TOPAPI/v2/user/get"),
    *("@/oapi/topapi/v2/user/get/", "@/oapi//topapi/v2/user/get", "@/oapi/topapi//v2/user/get"),
    *("@/oapi/topapi/v2/department/../user/get", "@/oapi/topapi/v2/department/%2e%2e/user/get"),
    *("@/oapi/topapi/v2/department/..%2f..%2f..%2fgettoken", "@/oapi/topapi/v2/department/%252e%252e"),
    *(
        "@/oapi/topapi/v2/user/get%2f..%2fdelete",
        "@/oapi/topapi/v2/user%5cget",
        "@/oapi/topapi/v2/user/get%00",
    ),
    *(
        "@/oapi/topapi/v2/user/get;jsessionid=1",
        "@/oapi/topapi/v2/user/get%3b",
        "@/oapi/topapi/v2/user/get%3fa=b",
    ),
    *("@/oapi/topapi/v2/user/get%23", "@/oapi/topapi/v2/user/get%20"),
    *("@/oapi/topapi/v2/department/%2a", "@/oapi/v1.0/contact/users/me", "@/api/topapi/v2/user/get"),
    *("@/api/v1.0/contact/x/../../oauth2/accessToken", "@/api/v1.0/contact/%2e%2e/oauth2/accessToken"),
    *("@/api/v1.0/contact/users/accessToken", "@/api/v1.0//contact/users", "@/api/v1.0/contact/"),
    *("@/oapi/topapi/v2/user/%67et%2F", "@/oapi/topapi/v2/user/g%c3%a9t", "@/oapi/topapi/v2/user/%ff"),
    *("@/oapi/@evil.example/topapi/v2/user/get", "@/oapi/topapi/v2/department/a@evil.example%2f"),
    *("@/oapi/http:%2f%2fevil.example/topapi/v2/user/get", "@/oapi/.evil.example/topapi/v2/user/get"),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_not_on_the_keys_list_is_refused_and_not_called(app, platform, method):
    before = count(platform)

    answers = {attack: send(app, method, attack.replace("@", PROXY, 1)) for attack in ATTACKS}

    for attack, answer in answers.items():
        assert (answer.status_code, code_of(answer)) == (403, "proxy_path_not_allowed"), attack
    assert send(app, method, f"{PROXY}/oapi{USER}%0a").status_code == 404
    assert count(platform) == before


def test_a_key_without_a_list_may_call_nothing_and_one_with_all_paths_no_token(make_app, tenant, platform):
    nothing = make_app("A", scopes=(Scope.PROXY,))
    everything = make_app("B", scopes=(Scope.PROXY,), proxy_paths=["/**"])
    before = count(platform)

    assert code_of(send(nothing, "POST", f"{PROXY}/oapi{USER}", {})) == "proxy_path_not_allowed"
    for path in (
        "oapi/gettoken",
        "oapi/service/get_corp_token",
        "api/v1.0/oauth2/x/token",
        "oapi/router/rest",
    ):
        assert code_of(send(everything, "POST", f"{PROXY}/{path}", {})) == "proxy_path_not_allowed"
    assert count(platform) == before
    assert send(everything, "POST", f"{PROXY}/oapi{USER}", {"userid": "boss"}).json()["errcode"] == 0


OWN_TOKENS = [
    ("?access_token=x", None),
    ("?suite_access_token=x", None),
    ("?Access_Token=x", None),
    ("?access%5ftoken=x", None),
    ("?access_token%00=x", None),
    ("?x-acs-dingtalk-access-token=x", None),
    ("", {"access_token": "x"}),
    ("", {"deep": [{"suite_access_token": "x"}]}),
    ("", {"ACCESS-TOKEN": None}),
    ("", '{"access\\u005ftoken":"x"}'),
]


@pytest.mark.parametrize("path", [f"oapi{USER}", f"api{ORGANIZATION}"])
def test_an_app_may_bring_no_token_of_its_own(app, platform, path):
    before = count(platform)

    for query, body in OWN_TOKENS:
        answer = send(app, "POST", f"{PROXY}/{path}{query}", body)
        assert (answer.status_code, code_of(answer)) == (400, "proxy_parameter_not_allowed"), (query, body)

    assert count(platform) == before


BODIES = [
    ("userid=boss", {"content_type": "application/x-www-form-urlencoded"}, 415),
    ("<xml/>", {"content_type": "text/xml"}, 415),
    ('{"userid":"boss"}', {"content_type": ""}, 415),
    ("[1]", {}, 400),
    ("{", {}, 400),
    ('{"a":1,"a":2}', {}, 400),
    ('{"a":NaN}', {}, 400),
    (b"\xff", {}, 400),
    ('{"a":' * 40 + "1" + "}" * 40, {}, 400),
    ('{"a":"' + "x" * 262_144 + '"}', {}, 400),
    ('{"userid":"boss"}', {"headers": {"Content-Encoding": "gzip"}}, 400),
]


def test_a_body_is_a_json_object_of_a_bounded_size(app, platform):
    before = count(platform)

    for body, options, status in BODIES:
        answer = send(app, "POST", f"{PROXY}/oapi{USER}", body, **options)
        assert answer.status_code == status, (body[:50], answer.content)

    assert count(platform) == before


def test_a_parameter_that_is_empty_or_given_twice_is_refused(app):
    assert code_of(send(app, "GET", f"{PROXY}/oapi{USER}?userid=")) == "blank"
    assert code_of(send(app, "GET", f"{PROXY}/oapi{USER}?userid=a&userid=b")) == "repeated"


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", f"oapi{USER}?userid=boss", USER),
        ("GET", f"api{ORGANIZATION}?targetCorpId={CORP_ID}", ORGANIZATION),
    ],
)
def test_a_refused_token_is_renewed_and_the_call_repeated_once(app, platform, method, path, endpoint):
    assert send(app, method, f"{PROXY}/{path}").status_code == 200
    first, before = token(), len(calls_of(platform, endpoint))
    platform.remote._call("POST", "/_sim/tokens/expire", {"corp_id": CORP_ID})

    answer = send(app, method, f"{PROXY}/{path}")

    assert answer.status_code == 200
    assert token() != first
    assert len(calls_of(platform, endpoint)) == before + 2


def test_a_token_that_is_refused_again_is_told_and_not_tried_a_third_time(app, platform):
    send(app, "POST", f"{PROXY}/oapi{USER}", {"userid": "boss"})
    platform.remote.add_fault(endpoint=USER, kind="errcode", code=40014, count=5)
    before = len(calls_of(platform, USER))

    answer = send(app, "POST", f"{PROXY}/oapi{USER}", {"userid": "boss"})

    assert (answer.status_code, code_of(answer)) == (502, "dingtalk_refused")
    assert len(calls_of(platform, USER)) == before + 2


@pytest.mark.parametrize(
    ("kind", "method", "status", "code"),
    [
        ("html", "POST", 502, "proxy_answer_unusable"),
        ("http_500", "POST", 502, "proxy_answer_unusable"),
        ("rate_limit", "POST", 503, "dingtalk_rate_limited"),
        ("ip_ban", "POST", 503, "dingtalk_rate_limited"),
        ("reset", "POST", 504, "proxy_outcome_unknown"),
        ("drop_answer", "POST", 504, "proxy_outcome_unknown"),
        ("reset", "GET", 503, "dingtalk_unavailable"),
    ],
)
def test_what_is_no_answer_of_the_call_is_one_of_ours(app, platform, kind, method, status, code):
    platform.remote.add_fault(endpoint=USER, kind=kind)
    before = len(calls_of(platform, USER))

    answer = send(app, method, f"{PROXY}/oapi{USER}?userid=boss")

    assert (answer.status_code, code_of(answer)) == (status, code)
    assert not answer.has_header("X-Answer-From")
    assert len(calls_of(platform, USER)) == before + 1


@pytest.mark.parametrize(
    "path", [f"oapi{USER}?userid=boss", f"api{ORGANIZATION}?targetCorpId={OTHER_CORP_ID}"]
)
def test_another_tenant_looks_like_none_and_dingtalk_is_not_asked(app, platform, hidden_tenants, path):
    before = count(platform)

    hidden = [
        send(app, "GET", f"/api/v1/tenants/{SUITE_KEY}/{OTHER_CORP_ID}/proxy/{path}"),
        send(app, "GET", f"/api/v1/tenants/{OTHER_SUITE_KEY}/{CORP_ID}/proxy/{path}"),
        send(app, "GET", f"/api/v1/tenants/nosuchsuite/dingnobody/proxy/{path}"),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in hidden] == [(404, "tenant_not_found")] * 3
    assert len({answer.content for answer in hidden}) == 1
    assert count(platform) == before


def test_each_tenant_is_called_with_its_own_token(make_app, platform, hidden_tenants, tenant):
    app = make_app("A", scopes=(Scope.PROXY,), proxy_paths=[USER])
    url = f"/api/v1/tenants/{SUITE_KEY}/{{}}/proxy/oapi{USER}?userid={{}}"

    ours = send(app, "GET", url.format(CORP_ID, "boss")).json()
    theirs = send(app, "GET", url.format(OTHER_CORP_ID, "boss")).json()

    assert (ours["errcode"], theirs["errcode"]) == (0, 60121)
    assert [call["corp_id"] for call in calls_of(platform, USER)[-2:]] == [CORP_ID, OTHER_CORP_ID]


def test_without_the_scope_nothing_is_called(make_app, tenant):
    app = make_app(scopes=[scope for scope in Scope if scope != Scope.PROXY], proxy_paths=ALLOWED)

    assert code_of(send(app, "POST", f"{PROXY}/oapi{USER}", {})) == "insufficient_scope"


def test_each_call_is_logged_without_ids_and_token_and_audited_once_an_hour(app, caplog):
    caplog.set_level(logging.INFO)
    for userid in ("boss", "nobody"):
        send(app, "POST", f"{PROXY}/oapi{USER}", {"userid": userid})
    send(app, "GET", f"{PROXY}/api/v1.0/contact/users/iiSxyzE")

    logged = [record for record in caplog.records if record.getMessage() == "A tenant app called DingTalk"]
    assert [(each.endpoint, each.code) for each in logged] == [
        (USER, "0"),
        (USER, "60121"),
        ("/v1.0/contact/users/{id1}", "Forbidden.AccessDenied.AccessTokenPermissionDenied"),
    ]
    assert all(each.elapsed_ms >= 0 and each.key_prefix == app.key.prefix for each in logged)
    assert token() not in caplog.text + repr([each.__dict__ for each in caplog.records])
    audited = AuditEntry.objects.filter(action="proxy.call").order_by("id")
    assert [(each.actor, each.details["allowed_by"]) for each in audited] == [
        ("考勤后台", USER),
        ("考勤后台", "/v1.0/contact/**"),
    ]


def test_a_call_that_fails_is_logged_too(app, platform, caplog):
    caplog.set_level(logging.INFO)
    platform.remote.add_fault(endpoint=USER, kind="html")

    send(app, "POST", f"{PROXY}/oapi{USER}", {"userid": "boss"})

    [logged] = [each for each in caplog.records if each.getMessage() == "A tenant app called DingTalk"]
    assert (logged.endpoint, logged.error) == (USER, "ProxyAnswerUnusable")
