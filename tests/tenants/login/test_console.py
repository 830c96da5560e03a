"""Logging in from the admin console: with our own identity, into the administrator's company."""

import pytest

from dingtalk.foundation.models import AuditEntry
from tenants.models import AccessToken, TenantState, TokenKind
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.login.conftest import OTHER_CORP_ID, SSO_URL, code_of, store_tenant

TOKEN, USER = "/sso/gettoken", "/sso/getuserinfo"


@pytest.fixture
def sso_code(upstream, suite):
    """A code as the admin console appends it."""

    def _sso_code(userid: str = "manager01", corp_id: str = CORP_ID) -> str:
        return upstream.remote.login_code(SUITE_KEY, corp_id, userid, kind="sso")

    return _sso_code


def test_an_administrator_comes_from_the_console_and_a_trace_stays(tenant, app, sso_code):
    code = sso_code()

    answer = app.post(SSO_URL, {"code": code})

    assert answer.status_code == 200
    assert answer.json() == {
        "suite_key": SUITE_KEY,
        "corp_id": CORP_ID,
        "corp_name": "杭州云栖科技有限公司",
        "person": {"user_id": "manager01", "name": "张伟", "email": "", "avatar_url": "", "is_admin": True},
    }
    entry = AuditEntry.objects.get(action="login.accept")
    assert (entry.object_id, entry.details["way"]) == (str(tenant.pk), "admin_console")
    assert code not in str(entry.details)


def test_our_token_is_asked_for_once_and_kept_less_than_an_hour(upstream, tenant, app, sso_code):
    for _ in range(2):
        assert app.post(SSO_URL, {"code": sso_code()}).status_code == 200

    assert upstream.count(TOKEN) == 1
    slot = AccessToken.objects.get(kind=TokenKind.SSO)
    assert (slot.suite, slot.tenant) == (tenant.suite, None)
    assert (slot.expires_at - slot.issued_at).total_seconds() <= 3000


def test_a_token_that_dingtalk_refuses_is_renewed_and_the_code_still_good(upstream, tenant, app, sso_code):
    assert app.post(SSO_URL, {"code": sso_code()}).status_code == 200
    upstream.remote._call("POST", "/_sim/tokens/expire", {"suite_key": SUITE_KEY})

    assert app.post(SSO_URL, {"code": sso_code()}).status_code == 200
    assert upstream.count(TOKEN) == 2


def test_a_code_works_once_and_is_not_tried_again(upstream, tenant, app, sso_code):
    code = sso_code()
    assert app.post(SSO_URL, {"code": code}).status_code == 200

    assert code_of(app.post(SSO_URL, {"code": code})) == (400, "code_spent")
    assert upstream.count(USER) == 2


def test_a_company_that_has_not_authorised_is_refused_with_a_trace(tenant, app, sso_code):
    answer = app.post(SSO_URL, {"code": sso_code("wangwu", OTHER_CORP_ID)})

    assert code_of(answer) == (403, "company_not_authorized")
    assert AuditEntry.objects.get(action="login.refuse").details["corp_id"] == OTHER_CORP_ID


def test_a_company_that_withdrew_is_refused(tenant, app, sso_code, relieve):
    code = sso_code()
    relieve()

    assert code_of(app.post(SSO_URL, {"code": code})) == (403, "company_not_authorized")


def test_a_company_that_switched_the_app_off_is_refused(suite, app, sso_code):
    store_tenant(suite, CORP_ID, state=TenantState.STOPPED)

    assert code_of(app.post(SSO_URL, {"code": sso_code()})) == (403, "company_not_authorized")


def test_a_company_that_the_key_does_not_cover_is_refused_alike(tenant, make_app, sso_code):
    stranger = make_app("没有租户的应用", tenants=[])

    assert code_of(stranger.post(SSO_URL, {"code": sso_code()})) == (403, "company_not_authorized")


@pytest.mark.parametrize("missing", [{"isv_corp_id": ""}, {"sso_secret": None}])
def test_a_suite_that_is_not_set_up_says_so_and_leaves_the_code(upstream, tenant, app, sso_code, missing):
    suite = tenant.suite
    for name, value in missing.items():
        setattr(suite, name, value)
    suite.save()

    assert code_of(app.post(SSO_URL, {"code": sso_code()})) == (409, "sso_not_configured")
    assert upstream.count(USER) == 0


def test_a_wrong_secret_is_told_and_not_tried_at_once_again(upstream, tenant, app, sso_code):
    tenant.suite.sso_secret = "another-secret"
    tenant.suite.save()

    first, second = (app.post(SSO_URL, {"code": sso_code()}) for _ in range(2))

    assert code_of(first) == code_of(second) == (503, "token_unavailable")
    assert first.json()["errors"][0]["dingtalk_code"] == "40001"
    assert upstream.count(TOKEN) == 1
