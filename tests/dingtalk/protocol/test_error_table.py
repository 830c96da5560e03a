import pytest

from dingtalk.protocol.error_table import Action, classify, find_error, load_error_table
from dingtalk.protocol.errors import (
    ApiError,
    AuthorizationGone,
    CodeSpent,
    CredentialRejected,
    QuotaUsedUp,
    RateLimited,
    TenantInactive,
    TicketRejected,
    Transient,
)


def error_for(code, http_status=200, **answer):
    return classify(endpoint="/service/get_corp_token", code=code, http_status=http_status, **answer)


def test_every_row_of_the_table_is_loaded():
    table = load_error_table()

    assert len(table) == 540
    assert all(entry.code and entry.meaning and entry.source and entry.http_statuses for entry in table)


@pytest.mark.parametrize(
    "entry", load_error_table(), ids=lambda entry: f"{entry.code}-{entry.http_statuses[0]}"
)
def test_every_row_is_found_by_its_code_and_status(entry):
    statuses = [int(status) for status in entry.http_statuses if status.isdigit()] or [200]

    if entry.code != "(any code)":
        assert all(find_error(entry.code, status) == entry for status in statuses)


EXAMPLES = [
    ("0", 200, Action.OK, ApiError),
    ("71006", 200, Action.OK_STATE, ApiError),
    ("-1", 200, Action.RETRY, Transient),
    ("90018", 200, Action.RATE_LIMIT, RateLimited),
    ("90002", 200, Action.RATE_LIMIT, RateLimited),
    ("90020", 200, Action.QUOTA, QuotaUsedUp),
    ("143106", 200, Action.DROPPED, ApiError),
    ("40014", 200, Action.REFRESH_TOKEN, CredentialRejected),
    ("42009", 200, Action.REFRESH_SUITE_TOKEN, CredentialRejected),
    ("52013", 200, Action.REFRESH_JSAPI_TICKET, CredentialRejected),
    ("40085", 200, Action.REFRESH_TICKET, TicketRejected),
    ("invalidSuiteTicket", 400, Action.REFRESH_TICKET, TicketRejected),
    ("invalidSuiteTicket", 500, Action.REFRESH_TICKET, TicketRejected),
    ("41030", 200, Action.REAUTH, AuthorizationGone),
    ("orgNotExist", 400, Action.TENANT_GONE, AuthorizationGone),
    ("40029", 200, Action.REAUTH_USER, ApiError),
    ("50002", 200, Action.PERMISSION, ApiError),
    ("40080", 200, Action.CONFIG, ApiError),
    ("40035", 200, Action.PARAM, ApiError),
    ("60121", 200, Action.NOT_FOUND, ApiError),
    ("40103", 200, Action.USER_ACTION, ApiError),
    ("50003", 200, Action.TENANT_INACTIVE, TenantInactive),
    ("50005", 200, Action.TENANT_INACTIVE, TenantInactive),
    ("400008", 200, Action.PLATFORM, ApiError),
    ("systemBusy", 429, Action.RATE_LIMIT, RateLimited),
    ("systemBusy", 500, Action.RETRY, Transient),
    ("systemBusy", 503, Action.RETRY, Transient),
    ("7654321", 200, Action.UNKNOWN, ApiError),
    ("Missingbody", 400, Action.PARAM, ApiError),
    ("brand.new.code", 400, Action.PARAM, ApiError),
    ("brand.new.code", 401, Action.REFRESH_TOKEN, CredentialRejected),
    ("brand.new.code", 403, Action.PERMISSION, ApiError),
    ("brand.new.code", 404, Action.NOT_FOUND, ApiError),
    ("brand.new.code", 418, Action.PARAM, ApiError),
    ("brand.new.code", 429, Action.RATE_LIMIT, RateLimited),
    ("brand.new.code", 503, Action.RETRY, Transient),
    ("brand.new.code", 599, Action.RETRY, Transient),
    ("brand.new.code", 200, Action.UNKNOWN, ApiError),
    ("Forbidden.AccessDenied.QpsLimitForNewThing", 403, Action.RATE_LIMIT, RateLimited),
    ("Forbidden.AccessDenied.QpmLimitForNewThing", 400, Action.RATE_LIMIT, RateLimited),
    ("Forbidden.AccessDenied.ApiCountLimitForNewThing", 403, Action.QUOTA, QuotaUsedUp),
    ("Forbidden.AccessDenied.IpNotInWhiteListAnyMore", 403, Action.CONFIG, ApiError),
]


@pytest.mark.parametrize(("code", "http_status", "action", "kind"), EXAMPLES)
def test_a_code_is_told_by_what_to_do_about_it(code, http_status, action, kind):
    error = error_for(code, http_status)

    assert (error.action, type(error)) == (action, kind)
    assert (error.code, error.http_status) == (code, http_status)


def test_there_is_an_example_for_every_action_but_the_one_that_only_wraps():
    assert {action for _, _, action, _ in EXAMPLES} == set(Action) - {Action.INSPECT}


@pytest.mark.parametrize(
    ("answer", "action"),
    [
        ({"sub_code": "40014"}, Action.REFRESH_TOKEN),
        ({"sub_code": "40000"}, Action.PARAM),
        ({"sub_code": "90018"}, Action.RATE_LIMIT),
        ({"sub_code": "60011"}, Action.PERMISSION),
        ({"sub_code": "7654321"}, Action.UNKNOWN),
        ({"sub_code": "isp.top-remote-connection-timeout"}, Action.RETRY),
        ({}, Action.RETRY),
        ({"message": "ding talk error[subcode=40014,submsg=不合法的access_token]"}, Action.REFRESH_TOKEN),
        ({"sub_message": "不合法的access_token"}, Action.REFRESH_TOKEN),
    ],
)
def test_88_is_decided_by_what_it_wraps(answer, action):
    error = error_for("88", **answer)

    assert error.action is action
    assert error.code == "88"


@pytest.mark.parametrize("code", ["40078", "42008", "40102", "40091"])
def test_a_code_is_spent_only_where_a_code_was_spent(code):
    assert type(error_for(code, spends_code=True)) is CodeSpent
    assert type(error_for("88", sub_code=code, spends_code=True)) is CodeSpent
    assert type(error_for(code)) is not CodeSpent


def test_other_errors_of_an_endpoint_that_spends_codes_stay_what_they_are():
    assert type(error_for("40082", spends_code=True)) is CredentialRejected


@pytest.mark.parametrize(
    ("code", "seconds", "ip_ban"),
    [
        ("90018", 1.0, False),
        ("1111", 300.0, True),
        ("90001", 300.0, False),
        ("41047", 60.0, False),
        ("Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi", 60.0, False),
        ("Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi", 1.0, False),
    ],
)
def test_a_limit_says_how_long_to_pause_and_whether_the_address_is_banned(code, seconds, ip_ban):
    error = error_for(code)

    assert (error.retry_after_seconds, error.ip_ban) == (seconds, ip_ban)
