"""Companies whose authorisation was never pushed to us."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk.protocol.errors import DingTalkError
from tenants.discovery import discover_tenant, discover_waiting_companies
from tenants.errors import TicketMissing
from tenants.models import AuthCorp, Tenant, TenantState
from tests.support.onboarding import (
    AUTH_INFO,
    before_answer,
    grant_arrives,
    reconciled,
    tenant_row,
    withdrawal_arrives,
)
from tests.support.upstream import CORP_ID, legacy_suite, suite, upstream

__all__ = ["legacy_suite", "suite", "upstream"]
GET_UNACTIVE_CORP, REAUTH_CORP = "/service/get_unactive_corp", "/service/reauth_corp"
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_company_that_has_authorised_becomes_a_tenant_and_active(upstream, suite):
    upstream.authorize()

    tenant = discover_tenant(suite=suite, corp_id=CORP_ID)

    assert (tenant.state, tenant.corp.corp_id) == (TenantState.AUTHORIZING, CORP_ID)
    assert tenant.agents
    assert tenant.corp.name == "杭州云栖科技有限公司"
    tenant = reconciled(tenant)
    assert tenant.state == TenantState.ACTIVE
    assert tenant.auth_scope["dept_ids"]


def test_a_company_that_has_not_leaves_no_trace(upstream, suite):
    assert discover_tenant(suite=suite, corp_id=CORP_ID) is None
    assert discover_tenant(suite=suite, corp_id="dingnobody") is None

    assert not Tenant.objects.exists()
    assert not AuthCorp.objects.exists()


@pytest.mark.parametrize("kind", ["http_500", "rate_limit", "html"])
def test_an_answer_that_is_none_is_no_no(upstream, suite, kind):
    upstream.fault(AUTH_INFO, kind)

    with pytest.raises(DingTalkError):
        discover_tenant(suite=suite, corp_id=CORP_ID)

    assert not Tenant.objects.exists()


def test_a_refusal_for_another_reason_is_no_no(upstream, suite):
    upstream.fault(AUTH_INFO, "errcode", code=50005)

    with pytest.raises(DingTalkError):
        discover_tenant(suite=suite, corp_id=CORP_ID)


def test_without_a_ticket_nothing_can_be_asked(upstream):
    with pytest.raises(TicketMissing):
        discover_tenant(suite=upstream.register_suite(), corp_id=CORP_ID)

    assert upstream.count(AUTH_INFO) == 0


def test_the_push_that_arrives_meanwhile_makes_the_same_tenant(upstream, suite, monkeypatch):
    grant = upstream.authorize()
    before_answer(monkeypatch, "get_auth_info", lambda: grant_arrives(suite, grant))

    tenant = discover_tenant(suite=suite, corp_id=CORP_ID)

    assert Tenant.objects.get() == tenant
    assert tenant.permanent_code == grant["permanent_code"]
    assert [str(step) for step in tenant.transitions.all()] == ["∅ → authorizing"]


def test_a_withdrawal_that_arrives_meanwhile_counts(upstream, suite, monkeypatch):
    upstream.authorize()
    before_answer(monkeypatch, "get_auth_info", lambda: withdrawal_arrives(suite))

    tenant = discover_tenant(suite=suite, corp_id=CORP_ID)

    assert tenant.state == TenantState.RELIEVED


def test_the_withdrawal_that_our_clock_makes_old_has_dingtalk_asked(upstream, suite):
    upstream.authorize()
    discover_tenant(suite=suite, corp_id=CORP_ID)

    withdrawal_arrives(suite, at=timezone.now() - timedelta(minutes=5))

    assert tenant_row().grant_unconfirmed


def test_the_grant_that_our_clock_makes_old_has_dingtalk_asked(upstream, suite):
    upstream.authorize()
    reconciled(discover_tenant(suite=suite, corp_id=CORP_ID))

    grant_arrives(suite, {"agent_id": 1, "permanent_code": "p"}, at=timezone.now() - timedelta(minutes=5))

    assert tenant_row().auth_info_due
    assert tenant_row().state == TenantState.ACTIVE


class TestCompaniesThatWait:
    def test_one_whose_grant_was_never_pushed_is_found_and_invited_again(self, upstream, legacy_suite):
        upstream.authorize()

        assert discover_waiting_companies() == 1

        tenant = reconciled(tenant_row())
        assert tenant.state == TenantState.NEEDS_REAUTH
        assert upstream.count(REAUTH_CORP) == 1
        assert discover_waiting_companies() == 0

    def test_one_that_came_back_without_our_knowing_is_found(self, upstream, legacy_suite):
        grant_arrives(legacy_suite, upstream.authorize())
        upstream.act("relieve")
        withdrawal_arrives(legacy_suite)
        upstream.authorize()

        assert discover_waiting_companies() == 1

        assert tenant_row().state == TenantState.AUTHORIZING

    def test_a_suite_that_dingtalk_activates_is_not_asked_for(self, upstream, suite):
        upstream.authorize()

        assert discover_waiting_companies() == 0

        assert upstream.count(GET_UNACTIVE_CORP) == 0

    @pytest.mark.parametrize("endpoint", [GET_UNACTIVE_CORP, AUTH_INFO])
    def test_when_dingtalk_fails_it_is_asked_the_next_time(self, upstream, legacy_suite, endpoint):
        upstream.authorize()
        upstream.fault(endpoint, "http_500")

        assert discover_waiting_companies() == 0

        assert discover_waiting_companies() == 1
