"""Logging in inside DingTalk: who it is, in which company, and who is not let in."""

import pytest

from dingtalk.foundation.models import AuditEntry
from tenants.models import Scope, TenantState
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.conftest import make_suite
from tests.tenants.login.conftest import IN_APP_URL, OTHER_CORP_ID, code_of, store_tenant

CALL = "/topapi/v2/user/getuserinfo"


def test_the_app_learns_who_opened_it_and_a_trace_stays(upstream, tenant, app):
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "manager01")

    answer = app.post(IN_APP_URL, {"code": code})

    person = answer.json()["person"]
    assert answer.status_code == 200
    assert (answer.json()["suite_key"], answer.json()["corp_id"]) == (SUITE_KEY, CORP_ID)
    assert (person["user_id"], person["name"], person["is_admin"], person["sys_level"]) == (
        *("manager01", "张伟", True, 1),
    )
    assert person["union_id"] and person["device_id"]
    entry = AuditEntry.objects.get(action="login.accept")
    assert (entry.actor, entry.object_id) == ("考勤后台", str(tenant.pk))
    assert entry.details["user_id"] == "manager01"
    assert entry.details["way"] == "in_app"
    assert code not in str(entry.details)


def test_a_code_works_once_and_is_not_tried_again(upstream, tenant, app):
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan")
    assert app.post(IN_APP_URL, {"code": code}).status_code == 200

    answer = app.post(IN_APP_URL, {"code": code})

    assert code_of(answer) == (400, "code_spent")
    assert upstream.count(CALL) == 2


def test_a_code_that_may_be_spent_is_not_tried_again(upstream, tenant, app):
    upstream.fault(CALL, "drop_answer")

    answer = app.post(IN_APP_URL, {"code": upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan")})

    assert code_of(answer) == (503, "dingtalk_unavailable")
    assert upstream.count(CALL) == 1


def test_a_company_token_that_dingtalk_refuses_is_renewed_and_the_code_still_good(upstream, tenant, app):
    first, second = (upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan") for _ in range(2))
    assert app.post(IN_APP_URL, {"code": first}).status_code == 200
    upstream.remote._call("POST", "/_sim/tokens/expire", {"corp_id": CORP_ID})

    assert app.post(IN_APP_URL, {"code": second}).status_code == 200


@pytest.mark.parametrize("kind", ["web", "sso"])
def test_a_code_of_another_place_is_none(upstream, tenant, app, kind):
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan", kind=kind)

    assert code_of(app.post(IN_APP_URL, {"code": code})) == (400, "code_spent")


def test_a_code_of_another_company_is_none(upstream, suite, tenant, app):
    upstream.remote.act(SUITE_KEY, OTHER_CORP_ID, "authorize", silent=True)
    code = upstream.remote.login_code(SUITE_KEY, OTHER_CORP_ID, "wangwu")

    assert code_of(app.post(IN_APP_URL, {"code": code})) == (400, "code_spent")


def test_a_company_that_has_not_authorised_is_unknown_and_dingtalk_is_not_asked(upstream, suite, app):
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan")

    assert code_of(app.post(IN_APP_URL, {"code": code})) == (404, "tenant_not_found")
    assert upstream.count(CALL) == 0


@pytest.mark.parametrize("state", [TenantState.STOPPED, TenantState.NEEDS_REAUTH])
def test_a_company_whose_authorisation_does_not_count_now_is_refused(upstream, suite, app, state):
    store_tenant(suite, CORP_ID, state=state)

    answer = app.post(IN_APP_URL, {"code": "some-code"})

    assert code_of(answer) == (409, "tenant_not_active")
    assert answer.json()["errors"][0]["state"] == state


def test_a_company_that_withdrew_is_refused(upstream, tenant, app, relieve):
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan")
    relieve()

    assert code_of(app.post(IN_APP_URL, {"code": code})) == (409, "tenant_not_active")
    assert upstream.count(CALL) == 0


def test_what_the_key_does_not_cover_is_unknown(upstream, tenant, make_app):
    elsewhere = make_suite(suite_key="suiteother000001", suite_id="900002")
    strangers = [make_app("别的应用", suites=[elsewhere]), make_app("没有租户的应用", tenants=[])]

    for stranger in strangers:
        assert code_of(stranger.post(IN_APP_URL, {"code": "some-code"})) == (404, "tenant_not_found")
    assert upstream.count(CALL) == 0


def test_another_scope_is_not_enough(tenant, make_app):
    reader = make_app(scopes=(Scope.TENANTS_READ, Scope.TOKENS_READ))

    assert code_of(reader.post(IN_APP_URL, {"code": "some-code"})) == (403, "insufficient_scope")


def test_what_is_no_code_is_refused_by_name(upstream, tenant, app):
    bodies = [{}, *({"code": odd} for odd in ("", None, ["x"], "a b", "x" * 513, "码"))]

    answers = [app.post(IN_APP_URL, body) for body in bodies]

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["errors"][0]["attr"] for answer in answers} == {"code"}
    assert upstream.count(CALL) == 0
