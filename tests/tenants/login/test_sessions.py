"""A person's token: kept fresh, once in the fleet; for one app; gone with the company or the person."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from dingtalk.client.login import IssuedUserToken
from dingtalk.foundation.encrypted_fields import Ciphertext
from dingtalk.foundation.leases import claim_lease
from dingtalk.foundation.models import AuditEntry
from tenants.errors import CompanyNotAuthorized
from tenants.login.user_tokens import store_user_token
from tenants.models import TenantState, UserToken
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.login.conftest import code_of

EXCHANGE, CURRENT_USER = "/v1.0/oauth2/userAccessToken", "/v1.0/contact/users/me"


@pytest.fixture
def session(upstream, tenant, app) -> str:
    """The session of somebody who has logged in."""
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan", kind="web")
    answer = app.exchange(code, app.begin()["state"])
    assert answer.status_code == 200
    return answer.json()["session"]


def age(session: str, *, seconds_left: float) -> None:
    UserToken.objects.filter(pk=session).update(expires_at=timezone.now() + timedelta(seconds=seconds_left))


def test_the_tokens_are_ciphertext_in_the_database(session):
    stored = UserToken.objects.values("access_token", "refresh_token").get()

    assert all(isinstance(value, Ciphertext) for value in stored.values())
    row = UserToken.objects.get()
    assert row.access_token not in str(stored) and row.refresh_token not in str(stored)
    assert timedelta(days=29) < row.refresh_expires_at - timezone.now() <= timedelta(days=30)


def test_a_token_that_lasts_is_not_renewed(upstream, app, session):
    answer = app.refresh(session)

    assert answer.status_code == 200
    assert (answer.json()["session"], answer.json()["person"]["user_id"]) == (session, "zhangsan")
    assert upstream.count(EXCHANGE) == 1


def test_a_token_that_ends_is_renewed_each_time_with_the_newest_refresh_token(upstream, app, session):
    for _ in range(2):
        before = UserToken.objects.get().refresh_token
        age(session, seconds_left=30)

        assert app.refresh(session).status_code == 200
        assert UserToken.objects.get().refresh_token != before
    assert upstream.count(EXCHANGE) == 3


def test_a_token_that_dingtalk_refuses_is_renewed_and_the_call_made_again(upstream, app, session):
    upstream.remote._call("POST", "/_sim/tokens/expire", {"corp_id": CORP_ID})

    assert app.refresh(session).status_code == 200
    assert (upstream.count(EXCHANGE), upstream.count(CURRENT_USER)) == (2, 3)


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_the_same_time_cost_one_renewal(upstream, app, session, settings):
    settings.TOKEN_WAIT_SECONDS = 20.0
    age(session, seconds_left=0)
    statuses = []

    def ask() -> None:
        try:
            statuses.append(app.refresh(session).status_code)
        finally:
            connection.close()

    callers = [threading.Thread(target=ask) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=30)

    assert statuses == [200, 200, 200]
    assert upstream.count(EXCHANGE) == 2


def test_who_finds_the_lease_taken_is_told_when_to_ask_again(upstream, app, session, settings):
    settings.TOKEN_WAIT_SECONDS = 0.2
    age(session, seconds_left=0)
    claim_lease(UserToken.objects.all(), uuid.UUID(session), seconds=60)

    answer = app.refresh(session)

    assert code_of(answer) == (503, "token_unavailable")
    assert answer["Retry-After"] == "1"


def test_a_lost_answer_leaves_the_session_for_another_try(upstream, app, session):
    age(session, seconds_left=0)
    upstream.fault(EXCHANGE, "http_500")

    assert code_of(app.refresh(session)) == (503, "dingtalk_unavailable")
    assert app.refresh(session).status_code == 200


def test_a_secret_of_ours_that_is_refused_does_not_end_the_session(upstream, app, session):
    age(session, seconds_left=0)
    upstream.fault(EXCHANGE, "errcode", code="invalidClientIdOrSecret")

    assert code_of(app.refresh(session)) == (502, "dingtalk_refused")
    assert UserToken.objects.filter(pk=session).exists()


def test_while_our_secret_is_being_changed_the_previous_one_still_logs_people_in(
    upstream, app, session, tenant
):
    suite = tenant.suite
    suite.suite_secret_previous, suite.suite_secret = suite.suite_secret, "the-next-secret"
    suite.suite_secret_previous_until = timezone.now() + timedelta(hours=1)
    suite.save()
    age(session, seconds_left=0)

    assert app.refresh(session).status_code == 200
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan", kind="web")
    assert app.exchange(code, app.begin()["state"]).status_code == 200


def test_a_dead_refresh_token_means_to_log_in_again(upstream, app, session):
    age(session, seconds_left=0)
    upstream.fault(EXCHANGE, "errcode", code="invalidParameter.refreshToken.notFound")

    assert code_of(app.refresh(session)) == (403, "login_again")
    assert not UserToken.objects.exists()


def test_after_thirty_days_dingtalk_is_not_even_asked(upstream, app, session):
    age(session, seconds_left=0)
    UserToken.objects.update(refresh_expires_at=timezone.now())

    assert code_of(app.refresh(session)) == (403, "login_again")
    assert upstream.count(EXCHANGE) == 1


def test_who_left_the_company_has_to_log_in_again_and_a_trace_stays(upstream, app, session):
    upstream.fault("/topapi/user/getbyunionid", "errcode", code=60121)

    assert code_of(app.refresh(session)) == (403, "login_again")
    assert not UserToken.objects.exists()
    details = AuditEntry.objects.get(action="login.refuse").details
    assert (details["corp_id"], details["reason"]) == (CORP_ID, "login_again")


def test_whom_dingtalk_does_not_know_any_more_has_to_log_in_again(upstream, app, session):
    upstream.remote.dismiss(CORP_ID, "zhangsan")

    assert code_of(app.refresh(session)) == (403, "login_again")
    assert not UserToken.objects.exists()


def test_the_tokens_go_with_the_companys_authorisation(upstream, app, session, relieve):
    relieve()

    assert not UserToken.objects.exists()
    assert code_of(app.refresh(session)) == (403, "login_again")


def test_while_the_company_has_switched_the_app_off_nobody_is_told_of(upstream, app, session, tenant):
    type(tenant).objects.update(state=TenantState.STOPPED)

    assert code_of(app.refresh(session)) == (409, "tenant_not_active")
    assert UserToken.objects.exists()


def test_a_session_is_for_the_app_that_made_it(app, session, make_app):
    stranger = make_app("报表应用")

    assert code_of(stranger.refresh(session)) == (403, "login_again")
    assert app.refresh(session).status_code == 200


def test_who_logs_in_again_keeps_the_session(upstream, app, session):
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan", kind="web")

    answer = app.exchange(code, app.begin()["state"])

    assert answer.json()["session"] == session
    assert UserToken.objects.count() == 1


def test_a_renewal_that_is_late_does_not_replace_the_token_of_a_new_login(upstream, app, session, tenant):
    epoch = claim_lease(UserToken.objects.all(), uuid.UUID(session), seconds=60)
    new = IssuedUserToken("new-token", "new-refresh-token", 7200, CORP_ID)
    row = UserToken.objects.get()

    store_user_token(app.client, tenant, new, union_id=row.union_id, user_id="zhangsan", now=timezone.now())

    row.refresh_from_db()
    assert (row.lease_epoch > (epoch or 0), row.lease_until) == (True, None)
    assert row.access_token == "new-token"


def test_a_token_that_comes_after_the_withdrawal_is_not_kept(app, tenant, relieve):
    issued = IssuedUserToken("late-token", "late-refresh-token", 7200, CORP_ID)
    relieve()

    with pytest.raises(CompanyNotAuthorized):
        store_user_token(app.client, tenant, issued, union_id="un1", user_id="u1", now=timezone.now())

    assert not UserToken.objects.exists()


def test_what_is_no_session_is_refused_by_name(app):
    answers = [app.refresh(odd) for odd in ("", "x", "0", None, ["a"])]

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["errors"][0]["attr"] for answer in answers} == {"session"}
