"""Answers of every shape: what is taken, what is a refusal, and what is no answer at all."""

import json
from typing import Any

import pytest
import responses

from dingtalk.client.answers import UnactiveCorps
from dingtalk.protocol.errors import (
    ApiError,
    AuthorizationGone,
    CodeSpent,
    CredentialRejected,
    RateLimited,
    TenantInactive,
    TicketRejected,
    Transient,
    TransportError,
)
from tests.dingtalk.client.client_calls import CASE, CASES, OLD_CASES, Case, make_client

NEW = "get_corp_access_token"
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_old_case = pytest.mark.parametrize("case", OLD_CASES, ids=lambda case: case.name)


def answered(case: Case, body: Any, *, status: int = 200, **how: Any) -> Any:
    """Make a call that gets this answer."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(case.method, case.url, body=content, status=status, **how)
        return case.make(make_client())


def refused(case: Case, body: Any, *, status: int = 200, **how: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        answered(case, body, status=status, **how)
    return caught.value


def unanswered(case: Case, body: Any, *, status: int = 200, **how: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        answered(case, body, status=status, **how)
    return caught.value


# --- No answer at all --------------------------------------------------------------------------

NO_ANSWERS = {
    "nothing": b"",
    "a page": b"<!doctype html><html><body>busy</body></html>",
    "text": b"ok",
    "half an object": b'{"errcode":0,',
    "a list": b'[{"errcode":0}]',
    "a number": b"0",
    "null": b"null",
    "not UTF-8": b'{"errcode":0,"errmsg":"\xff\xfe"}',
    "a name twice": b'{"errcode":0,"errcode":40014}',
    "an endless nesting": b"[" * 10_000,
    "an endless number": b'{"errcode":' + b"9" * 5_000 + b"}",
    "not a number": b'{"errcode":NaN}',
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
@pytest.mark.parametrize("status", [200, 400, 403])
def test_what_is_no_json_object_is_no_answer(body: bytes, status: int):
    for case in CASE["get_suite_access_token"], CASE[NEW]:
        assert unanswered(case, body, status=status).retryable is True


@each_case
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_no_answer_whatever_it_says(case: Case, status: int):
    error = unanswered(case, {**case.answer, "code": "systemBusy"}, status=status)

    assert error.reason == f"HTTP {status}"
    assert error.endpoint == case.endpoint
    assert error.retryable is case.repeatable


@each_case
def test_a_redirect_is_no_answer_and_is_not_followed(case: Case):
    error = unanswered(case, case.answer, status=302, headers={"Location": "https://example.com/elsewhere"})

    assert error.reason == "HTTP 302"


@each_old_case
@pytest.mark.parametrize("errcode", [None, True, [], {}, "", 0.5])
def test_an_old_answer_without_a_usable_errcode_is_no_answer(case: Case, errcode: Any):
    answer = {**case.answer, "errcode": errcode}

    assert unanswered(case, answer).retryable is case.repeatable


@each_old_case
def test_an_old_answer_without_errcode_is_no_answer(case: Case):
    answer = {name: value for name, value in case.answer.items() if name != "errcode"}

    assert unanswered(case, answer).reason == "HTTP 200 without a code"


@pytest.mark.parametrize("status", [400, 404, 418])
def test_a_client_error_without_a_code_is_no_answer(status: int):
    assert unanswered(CASE[NEW], {"hello": 1}, status=status).retryable is True


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("get_suite_access_token", "suite_access_token"),
        ("get_corp_token", "access_token"),
        (NEW, "accessToken"),
        ("get_permanent_code", "permanent_code"),
    ],
)
@pytest.mark.parametrize("value", [None, "", 7, ["x"], {}, "two words", "line\nbreak", "Zähler", "x" * 5000])
def test_a_yes_without_a_usable_secret_is_no_answer(name: str, field: str, value: Any):
    case = CASE[name]

    error = unanswered(case, {**case.answer, field: value})

    assert error.retryable is case.repeatable
    assert field in error.reason


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("get_permanent_code", "auth_corp_info"),
        ("get_auth_info", "auth_corp_info"),
        ("get_auth_scopes", "auth_org_scopes"),
    ],
)
@pytest.mark.parametrize("value", [None, "", 7, ["x"]])
def test_a_yes_without_what_was_asked_for_is_no_answer(name: str, field: str, value: Any):
    case = CASE[name]

    assert field in unanswered(case, {**case.answer, field: value}).reason


@pytest.mark.parametrize("corp_id", [None, "", {"a": 1}, True, "x" * 65])
def test_a_permanent_code_of_nobody_is_no_answer(corp_id: Any):
    case = CASE["get_permanent_code"]

    error = unanswered(case, {**case.answer, "auth_corp_info": {"corpid": corp_id}})

    assert "corp id" in error.reason
    assert error.retryable is False


@pytest.mark.parametrize("corp_id", ["dingother0001", {"a": 1}, True])
def test_the_grant_of_another_company_is_no_answer(corp_id: Any):
    answer = {**CASE["get_auth_info"].answer, "auth_corp_info": {"corpid": corp_id}}

    assert "another organisation" in unanswered(CASE["get_auth_info"], answer).reason


@pytest.mark.parametrize("value", [{"a": 1}, 1.5, True])
def test_companies_that_are_no_list_are_no_answer(value: Any):
    case = CASE["get_unactive_corps"]

    assert "corp_list" in unanswered(case, {**case.answer, "corp_list": value}).reason


# --- Yes, in many spellings --------------------------------------------------------------------


@each_old_case
@pytest.mark.parametrize("errcode", [0, "0", 0.0])
def test_zero_is_success_as_number_or_text(case: Case, errcode: Any):
    assert answered(case, {**case.answer, "errcode": errcode}) == answered(case, case.answer)


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (7200, 7200),
        ("7200", 7200),
        (7200.0, 7200),
        (61, 61),
        (86_400, 86_400),
        (59, 60),
        (0, 60),
        (-1, 60),
        (86_401, 7200),
        (7_200_000, 7200),
        ("soon", 7200),
        (None, 7200),
        (True, 7200),
        ([7200], 7200),
        (10**30, 7200),
    ],
)
def test_a_lifetime_is_between_a_minute_and_a_day(said: Any, understood: int):
    for name, field in [("get_suite_access_token", "expires_in"), (NEW, "expireIn")]:
        case = CASE[name]
        assert answered(case, {**case.answer, field: said}).expires_in_seconds == understood


def test_a_token_without_a_lifetime_has_the_documented_one():
    answer = {"errcode": 0, "access_token": "t0k3n"}

    assert answered(CASE["get_corp_token"], answer).expires_in_seconds == 7200


def test_a_new_answer_may_have_any_success_status():
    case = CASE[NEW]

    assert answered(case, case.answer, status=201) == answered(case, case.answer)


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ({"app_id": "55", "corp_list": ["a", "b"], "has_more": "true"}, UnactiveCorps(55, ["a", "b"], True)),
        ({"corp_list": "a", "has_more": 0}, UnactiveCorps(None, ["a"], False)),
        ({"corp_list": ["a", None, {}, "x" * 65, 7]}, UnactiveCorps(None, ["a", "7"], False)),
        ({"corp_list": "", "has_more": "perhaps"}, UnactiveCorps(None, [], True)),
        ({"corp_list": None, "has_more": False}, UnactiveCorps(None, [], False)),
        ({}, UnactiveCorps(None, [], False)),
    ],
)
def test_a_list_of_companies_is_read_in_every_spelling(said: Any, understood: UnactiveCorps):
    assert answered(CASE["get_unactive_corps"], {"errcode": 0, **said}) == understood


def test_a_scope_is_read_in_every_spelling():
    granted = {"authed_user": "u1", "authed_dept": ["1", 2, "x", None]}
    answer = {"errcode": "0", "auth_org_scopes": granted, "auth_user_field": None}

    scope = answered(CASE["get_auth_scopes"], answer)

    assert scope == {"user_ids": ["u1"], "dept_ids": [1, 2], "user_fields": []}


def test_a_company_name_of_an_odd_type_does_not_lose_the_permanent_code():
    case = CASE["get_permanent_code"]
    company = {**case.answer["auth_corp_info"], "corp_name": 12}

    assert answered(case, {**case.answer, "auth_corp_info": company}).corp_name == ""


# --- No ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "errcode", "kind"),
    [
        ("get_suite_access_token", 40085, TicketRejected),
        ("get_permanent_code", 40078, CodeSpent),
        ("get_permanent_code", "42008", CodeSpent),
        ("get_permanent_code", 42009, CredentialRejected),
        ("get_permanent_code", -1, Transient),
        ("get_auth_info", 853005, TicketRejected),
        ("get_auth_info", 41030, AuthorizationGone),
        ("get_auth_info", 50005, TenantInactive),
        ("get_corp_token", 90018, RateLimited),
        ("activate_suite", 40082, CredentialRejected),
        ("get_auth_scopes", 40014, CredentialRejected),
    ],
)
def test_an_old_refusal_has_its_kind_code_text_and_request_id(name: str, errcode: Any, kind: type[ApiError]):
    error = refused(CASE[name], {"errcode": errcode, "errmsg": "不行", "request_id": "req1"})

    assert type(error) is kind
    assert (error.code, error.message, error.request_id) == (str(errcode), "不行", "req1")
    assert (error.endpoint, error.http_status) == (CASE[name].path, 200)


def test_a_wrapped_refusal_is_told_by_what_is_inside():
    answer = {
        "errcode": 88,
        "errmsg": "ding talk error",
        "sub_code": "40014",
        "sub_msg": "不合法的access_token",
    }

    error = refused(CASE["get_auth_scopes"], answer)

    assert type(error) is CredentialRejected
    assert (error.code, error.sub_code) == ("88", "40014")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalidSuiteTicket", TicketRejected),
        (400, "invalidAuthInfo", AuthorizationGone),
        (400, "invalidSuiteKey", ApiError),
        (403, "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi", RateLimited),
        (429, "systemBusy", RateLimited),
        (404, "InvalidAction.NotFound", ApiError),
    ],
)
def test_a_new_refusal_has_its_kind_code_and_request_id(status: int, code: str, kind: type[ApiError]):
    error = refused(CASE[NEW], {"code": code, "message": "不行", "requestid": "REQ-1"}, status=status)

    assert type(error) is kind
    assert (error.code, error.request_id, error.http_status) == (code, "REQ-1", status)


def test_an_old_refusal_may_come_with_an_error_status():
    assert refused(CASE["get_corp_token"], {"errcode": 41030}, status=400).code == "41030"


def test_a_gateway_refuses_an_old_call_in_the_new_way():
    assert (
        refused(CASE["get_corp_token"], {"code": "Forbidden.X", "message": ""}, status=403).code
        == "Forbidden.X"
    )


def test_a_success_code_with_an_error_status_is_a_refusal():
    assert refused(CASE["get_corp_token"], {"errcode": 0, "errmsg": "ok"}, status=404).http_status == 404


@each_case
@pytest.mark.parametrize(
    "body",
    [
        {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "u"},
        {"status": "1111"},
        "<html><title>Access Denied</title></html>",
        " \n<!DOCTYPE html><script src='/_____tmd_____/punish'></script>",
    ],
)
@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_blocked_address_pauses_everything_for_five_minutes(case: Case, body: Any, status: int):
    error = refused(case, body, status=status)

    assert type(error) is RateLimited
    assert error.ip_ban is True
    assert error.retry_after_seconds == 300


def test_a_field_named_status_in_an_answer_is_not_a_ban():
    case = CASE["get_corp_token"]

    assert answered(case, {**case.answer, "status": 1111}).token


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 1), ("7", 7), ("0", 1), ("999999", 300), ("Wed, 21 Oct 2026 07:28:00 GMT", 1), ("-5", 1)],
)
@pytest.mark.parametrize("body", ["slow down", '{"code":"systemBusy"}', '{"errcode":90018}'])
def test_too_many_requests_is_a_limit_whatever_the_body(body: str, header: str, seconds: int):
    error = refused(
        CASE["get_corp_token"], body, status=429, headers={"Retry-After": header} if header else {}
    )

    assert type(error) is RateLimited
    assert error.ip_ban is False
    assert error.retry_after_seconds == seconds
