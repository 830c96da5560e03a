"""Calls that were not sent: nothing has failed, nothing is spent, and all goes on by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.discipline import Limits, new_gate
from dingtalk.protocol.errors import HeldBack, HoldReason
from tenants.api.errors import ANSWERS, DingTalkLimit, DingTalkUnavailable
from tenants.calling import call_as_tenant
from tenants.errors import TokenUnavailable
from tenants.models import AccessToken, CodeState, Tenant, TenantState, TokenKind, WaitingFor
from tenants.tokens import get_corp_access_token, with_corp_access_token
from tests.support.onboarding import (
    ACTIVATE,
    AUTH_SCOPES,
    CORP_TOKEN,
    PERMANENT_CODE,
    code_arrives,
    grant_arrives,
    reconciled,
)
from tests.support.upstream import CORP_ID, SUITE_KEY, legacy_suite, suite, upstream

__all__ = ["legacy_suite", "suite", "upstream"]
pytestmark = pytest.mark.django_db(transaction=True)


def break_endpoint(endpoint: str) -> None:
    """Leave an endpoint alone for half a minute, as after many calls without an answer."""
    dingtalk_client().gate = new_gate(limits=Limits(breaker_failures=1, breaker_seconds=30))
    gate = dingtalk_client().gate
    family = Family.NEW if endpoint.startswith("/v1.0/") else Family.OLD
    gate.note_no_answer(gate.admit(Request(Call(endpoint, family=family))))


def works_again() -> None:
    dingtalk_client().gate = new_gate()
    AccessToken.objects.update(retry_at=None)


def test_a_code_whose_exchange_was_held_back_is_as_good_as_before(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    break_endpoint(PERMANENT_CODE)

    tenant = reconciled(code_arrives(legacy_suite, code))

    assert tenant.tmp_auth_codes.get().state == CodeState.PENDING
    assert upstream.count(PERMANENT_CODE) == 0
    works_again()
    assert reconciled(tenant).state == TenantState.ACTIVE
    assert upstream.count(PERMANENT_CODE) == 1


def test_a_run_that_was_held_back_counts_no_attempt_and_comes_back_in_time(upstream, suite):
    break_endpoint(CORP_TOKEN)

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert (tenant.state, tenant.waiting_for, tenant.attempts) == (
        TenantState.ACTIVATING,
        WaitingFor.RETRY,
        0,
    )
    assert tenant.last_error == f"{CORP_TOKEN}: not sent: breaker, api"
    in_half_a_minute = timezone.now() + timedelta(seconds=30)
    assert abs(tenant.next_reconcile_at - in_half_a_minute) < timedelta(seconds=5)
    works_again()
    assert reconciled(tenant).state == TenantState.ACTIVE


def test_a_renewal_that_was_held_back_is_no_failure_and_due_when_there_is_room(upstream, suite):
    break_endpoint(CORP_TOKEN)
    reconciled(grant_arrives(suite, upstream.authorize()))

    token = AccessToken.objects.get(kind=TokenKind.CORP)

    assert (token.failures, token.last_error_code) == (0, "")
    assert "not sent" in token.last_error
    assert timedelta(seconds=25) < token.retry_at - timezone.now() <= timedelta(seconds=30)
    assert upstream.count(CORP_TOKEN) == 0


def test_who_waits_for_a_token_is_told_at_once_when_to_ask_again(upstream, suite):
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    AccessToken.objects.filter(kind=TokenKind.CORP).delete()
    break_endpoint(CORP_TOKEN)

    with pytest.raises(TokenUnavailable) as caught:
        get_corp_access_token(Tenant.objects.all(), suite_key=SUITE_KEY, corp_id=CORP_ID)

    assert (caught.value.retry_after_seconds, caught.value.code) == (30, "")
    assert tenant.is_active


def test_an_activation_that_was_held_back_is_made_later_and_not_noted_as_refused(upstream, legacy_suite):
    grant = upstream.authorize()
    break_endpoint(ACTIVATE)

    tenant = reconciled(grant_arrives(legacy_suite, grant))

    assert (tenant.state, tenant.activation_note) == (TenantState.ACTIVATING, "")
    works_again()
    assert reconciled(tenant).state == TenantState.ACTIVE
    assert upstream.count(ACTIVATE) == 1


def test_under_sync_http_too(upstream, suite):
    grant = upstream.authorize()
    break_endpoint(ACTIVATE)

    tenant = reconciled(grant_arrives(suite, grant))

    assert (tenant.state, tenant.activation_note) == (TenantState.ACTIVATING, "")


@pytest.mark.parametrize("make_call", [call_as_tenant, with_corp_access_token])
def test_calls_with_a_companys_token_count_as_the_companys(upstream, suite, make_call):
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    upstream.fault(AUTH_SCOPES, "rate_limit")

    def get_scopes(token: str) -> object:
        return dingtalk_client().get_auth_scopes(corp_access_token=token)

    errors = []
    for _ in range(2):
        with pytest.raises(Exception, match=AUTH_SCOPES) as caught:
            make_call(tenant, get_scopes)
        errors.append(caught.value)

    assert errors[0].code == "90018"
    assert isinstance(errors[1], HeldBack)
    token = AccessToken.objects.get(kind=TokenKind.CORP).token
    assert get_scopes(token)["dept_ids"] == [1]


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (HoldReason.BUDGET, DingTalkLimit),
        (HoldReason.COOL_DOWN, DingTalkLimit),
        (HoldReason.IP_BAN, DingTalkLimit),
        (HoldReason.BREAKER, DingTalkUnavailable),
    ],
)
def test_a_tenant_app_is_told_when_to_come_again_and_nothing_in_dingtalks_name(reason, answer):
    error = HeldBack(endpoint="/x", reason=reason, scope="api", retry_after_seconds=1.2)

    refusal = next(make(error) for kind, make in ANSWERS.items() if isinstance(error, kind))

    assert type(refusal) is answer
    assert (refusal.status_code, refusal.wait, refusal.members) == (503, 2, {})
