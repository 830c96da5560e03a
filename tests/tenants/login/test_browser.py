"""Logging in in a browser: the page, the way back, whom it lets in, and a state that works once."""

import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from dingtalk.foundation.models import AuditEntry
from tenants.models import LoginState, TenantState, UserToken
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.conftest import make_suite
from tests.tenants.login.conftest import (
    OAUTH,
    OTHER_CORP_ID,
    REDIRECT_URI,
    App,
    choose,
    code_of,
    store_tenant,
)

EXCHANGE = "/v1.0/oauth2/userAccessToken"
# Which parameter is blamed for what cannot be asked for.
IMPOSSIBLE = [
    ("redirect_uri", {"redirect_uri": "http://app.example.com/"}),
    ("redirect_uri", {"redirect_uri": "javascript:alert(1)"}),
    ("redirect_uri", {"redirect_uri": "https://user@app.example.com/"}),
    ("redirect_uri", {"redirect_uri": None}),
    ("corp_id", {"scope": "openid"}),
    ("scope", {"scope": "openid email"}),
    ("org_type", {"scope": "openid", "corp_id": CORP_ID, "org_type": "management"}),
    ("org_type", {"org_type": "all"}),
    ("exclusive_corp_id", {"exclusive_corp_id": CORP_ID}),
    ("corp_id", {"corp_id": "a/b"}),
    ("corp_id", {"corp_id": ""}),
    ("exclusive_login", {"exclusive_login": "perhaps"}),
]


def web_code(upstream, userid: str = "zhangsan", corp_id: str = CORP_ID, **how: str) -> str:
    """A code as DingTalk's page gives it."""
    return upstream.remote.login_code(SUITE_KEY, corp_id, userid, kind="web", **how)


def test_a_person_logs_in_on_dingtalks_page_and_the_app_learns_who_came_from_where(upstream, tenant, app):
    begun = app.begin()

    sent_back = choose(begun["url"], "张三")
    answer = app.exchange(sent_back["authCode"], sent_back["state"])

    body = answer.json()
    assert answer.status_code == 200
    assert sent_back["state"] == begun["state"]
    assert sent_back["code"] == sent_back["authCode"]
    assert sent_back["next"] == "/home"
    assert (body["suite_key"], body["corp_id"]) == (SUITE_KEY, CORP_ID)
    assert (body["person"]["user_id"], body["person"]["nick"]) == ("zhangsan", "张三")
    assert body["person"]["union_id"] and body["person"]["open_id"]
    token = UserToken.objects.get(pk=body["session"])
    assert (token.client, token.tenant, token.user_id) == (app.client, tenant, "zhangsan")
    assert AuditEntry.objects.get(action="login.accept").details["way"] == "browser"


def test_the_address_is_dingtalks_with_a_state_of_256_bits_that_only_the_browser_holds(suite, app):
    first, second = app.begin(), app.begin()

    query = parse_qs(urlsplit(first["url"]).query)
    assert query["client_id"] == [SUITE_KEY]
    assert query["redirect_uri"] == [REDIRECT_URI]
    assert query["state"] == [first["state"]]
    assert first["state"] != second["state"]
    assert len(first["state"]) == 43
    stored = LoginState.objects.values_list("digest", "redirect_uri").first()
    assert first["state"] not in str(stored) and second["state"] not in str(stored)


def test_who_cancels_brings_an_error_back_and_the_state(suite, app):
    begun = app.begin()

    sent_back = choose(begun["url"], "取消")

    assert sent_back["error"]
    assert sent_back["state"] == begun["state"]


class TestTheState:
    """It works once, for who began, within ten minutes; and it goes before the code does."""

    def test_it_works_once(self, upstream, tenant, app):
        state = app.begin()["state"]
        assert app.exchange(web_code(upstream), state).status_code == 200

        answer = app.exchange(web_code(upstream), state)

        assert code_of(answer) == (400, "state_invalid")
        assert upstream.count(EXCHANGE) == 1

    def test_it_is_used_up_even_if_the_code_is_none(self, upstream, tenant, app):
        state = app.begin()["state"]

        first, second = app.exchange("no-such-code", state), app.exchange(web_code(upstream), state)

        assert (code_of(first), code_of(second)) == ((400, "code_spent"), (400, "state_invalid"))

    def test_one_that_nobody_made_leaves_the_code_unspent(self, upstream, tenant, app):
        code = web_code(upstream)

        assert code_of(app.exchange(code, "made-up")) == (400, "state_invalid")
        assert app.exchange(code, app.begin()["state"]).status_code == 200

    def test_another_app_cannot_use_it(self, upstream, tenant, app, make_app):
        stranger = make_app("报表应用")
        state = app.begin()["state"]

        assert code_of(stranger.exchange(web_code(upstream), state)) == (400, "state_invalid")
        assert app.exchange(web_code(upstream), state).status_code == 200

    def test_it_is_for_the_suite_that_it_was_made_for(self, upstream, tenant, make_app):
        other = make_suite(suite_key="suiteother000001", suite_id="900002")
        app = make_app("两个套件的应用", suites=[tenant.suite, other])
        body = {"code": web_code(upstream), "state": app.begin()["state"]}

        answer = app.post(f"/api/v1/suites/{other.suite_key}/oauth/exchange", body)

        assert code_of(answer) == (400, "state_invalid")

    def test_it_ends_after_ten_minutes(self, upstream, tenant, app):
        state = app.begin()["state"]
        row = LoginState.objects.get()
        assert row.expires_at - row.created_at == timedelta(minutes=10)
        LoginState.objects.update(expires_at=timezone.now())

        assert code_of(app.exchange(web_code(upstream), state)) == (400, "state_invalid")
        assert upstream.count(EXCHANGE) == 0

    @pytest.mark.django_db(transaction=True)
    def test_of_many_exchanges_at_the_same_time_one_gets_through(self, upstream, tenant, app):
        state = app.begin()["state"]
        codes = [web_code(upstream) for _ in range(3)]
        statuses = []

        def exchange(code: str) -> None:
            try:
                statuses.append(app.exchange(code, state).status_code)
            finally:
                connection.close()

        callers = [threading.Thread(target=exchange, args=(code,)) for code in codes]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(timeout=30)

        assert sorted(statuses) == [200, 400, 400]
        assert upstream.count(EXCHANGE) == 1


class TestTheCompany:
    """Only one that has authorised the suite, that the key covers, and that the person is of."""

    def test_one_that_has_not_authorised_is_refused_with_a_trace(self, upstream, tenant, app):
        answer = app.exchange(web_code(upstream, "wangwu", OTHER_CORP_ID), app.begin()["state"])

        assert code_of(answer) == (403, "company_not_authorized")
        assert not UserToken.objects.exists()
        details = AuditEntry.objects.get(action="login.refuse").details
        assert (details["corp_id"], details["reason"]) == (OTHER_CORP_ID, "company_not_authorized")

    def test_one_that_withdrew_is_refused(self, upstream, tenant, app, relieve):
        state = app.begin()["state"]
        relieve()

        assert code_of(app.exchange(web_code(upstream), state)) == (403, "company_not_authorized")
        assert not UserToken.objects.exists()

    def test_one_that_switched_the_app_off_is_refused(self, upstream, suite, app):
        store_tenant(suite, CORP_ID, state=TenantState.STOPPED)

        answer = app.exchange(web_code(upstream), app.begin()["state"])

        assert code_of(answer) == (403, "company_not_authorized")

    def test_one_that_the_key_does_not_cover_is_refused_alike(self, upstream, tenant, make_app):
        stranger = make_app("没有租户的应用", tenants=[])

        answer = stranger.exchange(web_code(upstream), stranger.begin()["state"])

        assert code_of(answer) == (403, "company_not_authorized")

    def test_one_other_than_was_asked_for_is_refused(self, upstream, suite, tenant, app):
        upstream.remote.act(SUITE_KEY, OTHER_CORP_ID, "authorize", silent=True)
        store_tenant(suite, OTHER_CORP_ID)
        state = app.begin(corp_id=CORP_ID)["state"]

        answer = app.exchange(web_code(upstream, "wangwu", OTHER_CORP_ID), state)

        assert code_of(answer) == (403, "not_of_this_company")
        assert not UserToken.objects.exists()

    def test_where_dingtalk_does_not_tell_it_a_member_is_let_in_to_the_one_asked_for(
        self, upstream, tenant, app
    ):
        begun = app.begin(scope="openid", corp_id=CORP_ID)

        sent_back = choose(begun["url"], "张三")
        answer = app.exchange(sent_back["authCode"], sent_back["state"])

        assert "corpId" not in begun["url"]
        assert (answer.status_code, answer.json()["corp_id"]) == (200, CORP_ID)
        assert answer.json()["person"]["user_id"] == "zhangsan"

    def test_where_dingtalk_does_not_tell_it_a_stranger_is_refused(self, upstream, tenant, app):
        state = app.begin(scope="openid", corp_id=CORP_ID)["state"]

        answer = app.exchange(web_code(upstream, "wangwu", OTHER_CORP_ID, scope="openid"), state)

        assert code_of(answer) == (403, "not_of_this_company")
        assert AuditEntry.objects.get(action="login.refuse").details["reason"] == "not_of_this_company"

    def test_a_person_whom_the_app_may_not_see_has_no_user_id(self, upstream, tenant, app):
        upstream.fault("/topapi/user/getbyunionid", "errcode", code=60121)

        answer = app.exchange(web_code(upstream), app.begin()["state"])

        assert (answer.status_code, answer.json()["person"]["user_id"]) == (200, None)


class TestTheChoice:
    """What a login page can be asked for."""

    def test_a_company_is_preselected_and_only_its_administrators_offered(self, suite, app):
        url = app.begin(corp_id=CORP_ID, org_type="management")["url"]

        query = parse_qs(urlsplit(url).query)
        assert (query["corpId"], query["org_type"]) == ([CORP_ID], ["management"])
        with pytest.raises(KeyError):
            choose(url, "张三")
        assert choose(url, "张伟")["authCode"]

    def test_what_cannot_be_is_refused_by_name_and_leaves_no_state(self, suite, app):
        blamed = []
        for _attr, choice in IMPOSSIBLE:
            answer = app.post(f"{OAUTH}/login-url", {"redirect_uri": REDIRECT_URI, **choice})
            blamed.append((answer.status_code, answer.json()["errors"][0]["attr"]))

        assert blamed == [(400, attr) for attr, _choice in IMPOSSIBLE]
        assert not LoginState.objects.exists()


def test_a_suite_of_others_is_as_unknown_as_none(suite, make_app):
    other = make_suite(suite_key="suiteother000001", suite_id="900002")
    app: App = make_app()
    body = {
        "redirect_uri": REDIRECT_URI,
        "code": "some-code",
        "state": "some-state",
        "session": "019ac5d1-7c1e-7b2a-9c70-2f4b1d3e5a60",
    }
    for way in ("oauth/login-url", "oauth/exchange", "oauth/refresh", "sso/login"):
        of_others = app.post(f"/api/v1/suites/{other.suite_key}/{way}", body)
        of_nobody = app.post(f"/api/v1/suites/no%20suite/{way}", body)

        assert code_of(of_others) == (404, "suite_not_found")
        assert of_others.json() == of_nobody.json()
