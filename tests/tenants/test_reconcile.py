"""How a tenant converges, on a platform that answers, refuses, hangs and loses answers."""

import threading
from datetime import timedelta

import pytest
import requests
from django.db import connection
from django.utils import timezone

from dingtalk.foundation.leases import claim_lease
from dingtalk.models import Activation
from dingtalk.protocol.events import PushedTicket
from dingtalk.tickets import store_tickets
from tenants import code_exchange, reconcile, services, waking
from tenants.models import AccessToken, CodeState, Tenant, TenantState, TmpAuthCode, TokenKind, WaitingFor
from tests.support.onboarding import (
    ACTIVATE,
    AUTH_INFO,
    CORP_TOKEN,
    PERMANENT_CODE,
    REAUTH,
    UNIFIED_TOKEN,
    code_arrives,
    grant_arrives,
    reconciled,
    tenant_row,
)
from tests.support.upstream import CORP_ID, legacy_suite, suite, upstream

__all__ = ["legacy_suite", "suite", "upstream"]
pytestmark = pytest.mark.django_db(transaction=True)


def token_works(upstream, tenant) -> bool:
    token = AccessToken.objects.get(tenant=tenant, kind=TokenKind.CORP).token
    answer = requests.post(
        f"{upstream.base_url}/topapi/v2/department/listsub", params={"access_token": token}, timeout=5
    )
    return answer.json()["errcode"] == 0


def test_a_pushed_grant_becomes_active_with_a_token_that_works(upstream, suite):
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert tenant.state == TenantState.ACTIVE
    assert tenant.next_reconcile_at is None
    assert tenant.activated_at is not None
    assert token_works(upstream, tenant)
    assert [str(step) for step in tenant.transitions.order_by("id")] == [
        "∅ → authorizing",
        "authorizing → activating",
        "activating → active",
    ]


def test_a_temporary_code_becomes_a_permanent_one_info_token_and_activation(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]

    tenant = reconciled(code_arrives(legacy_suite, code))

    assert tenant.state == TenantState.ACTIVE
    assert tenant.permanent_code == upstream.remote.state()["grants"][0]["permanent_code"]
    assert tenant.corp.name == "杭州云栖科技有限公司"
    assert tenant.agents
    assert tenant.auth_scope["dept_ids"]
    assert upstream.remote.state()["grants"][0]["activated"]
    assert tenant.tmp_auth_codes.get().state == CodeState.EXCHANGED
    assert tenant.tmp_auth_codes.get().code is None


def test_reconciling_again_and_again_asks_dingtalk_nothing(upstream, suite):
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    before = len(upstream.remote.calls()["calls"])

    reconciled(tenant)
    reconciled(tenant)

    assert len(upstream.remote.calls()["calls"]) == before


def test_without_a_ticket_it_waits_visibly_and_the_ticket_wakes_it(upstream):
    suite = upstream.register_suite()
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    assert tenant.waiting_for == WaitingFor.SUITE_TICKET
    assert tenant.state == TenantState.ACTIVATING

    upstream.deliver_ticket(suite)
    waking.suite_ticket_arrived(suite, now=timezone.now())

    assert tenant_row().next_reconcile_at <= timezone.now()
    assert reconciled(tenant).state == TenantState.ACTIVE


def test_a_refused_ticket_is_tried_once_more_with_the_one_before(upstream, suite):
    store_tickets(
        suite_id=suite.pk,
        tickets=[PushedTicket("not known to DingTalk", timezone.now() + timedelta(seconds=5))],
        received_at=timezone.now(),
    )

    assert reconciled(grant_arrives(suite, upstream.authorize())).state == TenantState.ACTIVE


def test_with_no_ticket_that_works_it_waits_for_a_new_one_and_does_not_poll(upstream):
    suite = upstream.register_suite()
    upstream.deliver_ticket(suite, "outdated")
    upstream.fault(UNIFIED_TOKEN, "errcode", code="unauthorized.client")

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert tenant.waiting_for == WaitingFor.SUITE_TICKET
    assert tenant.last_error_code in ("invalidSuiteTicket", "40085", "853005")


def test_the_signed_call_is_the_fallback_when_v1_refuses_the_ticket(upstream, suite):
    upstream.fault(CORP_TOKEN, "errcode", code="invalidSuiteTicket")

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    token = AccessToken.objects.get(tenant=tenant, kind=TokenKind.CORP)
    assert token.method == "signed"
    assert "invalidSuiteTicket" in token.fallback_reason
    assert tenant.state == TenantState.ACTIVE


@pytest.mark.parametrize("kind", ["http_500", "html", "reset", "rate_limit"])
def test_a_passing_fault_is_retried_later_and_said(upstream, suite, kind):
    upstream.fault(CORP_TOKEN, kind)

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert tenant.state == TenantState.ACTIVATING
    assert tenant.waiting_for == WaitingFor.RETRY
    assert tenant.attempts == 1
    assert tenant.last_error
    assert timezone.now() < tenant.next_reconcile_at < timezone.now() + timedelta(minutes=15)
    AccessToken.objects.update(retry_at=None)
    assert reconciled(tenant).state == TenantState.ACTIVE


def test_a_code_that_nobody_knows_is_taken_for_passing_three_times_and_then_left_to_an_operator(
    upstream, legacy_suite
):
    upstream.fault(AUTH_INFO, "errcode", code=987654, count=None)
    tenant = code_arrives(legacy_suite, upstream.authorize()["unspent_codes"][0])

    seen = []
    for _ in range(3):
        tenant = reconciled(tenant)
        seen.append((tenant.state, tenant.waiting_for, tenant.attempts))

    assert seen == [
        (TenantState.AUTHORIZING, WaitingFor.RETRY, 1),
        (TenantState.AUTHORIZING, WaitingFor.RETRY, 2),
        (TenantState.FAILED, WaitingFor.OPERATOR, 3),
    ]
    assert tenant.last_error_code == "987654"


def test_failures_before_a_step_that_was_done_do_not_count_against_the_next(upstream, legacy_suite, settings):
    settings.DINGTALK_BREAKER_FAILURES = 0
    upstream.fault(AUTH_INFO, "http_500", count=reconcile.MAX_ATTEMPTS - 1)
    upstream.fault(ACTIVATE, "http_500", count=reconcile.MAX_ATTEMPTS - 1)
    tenant = code_arrives(legacy_suite, upstream.authorize()["unspent_codes"][0])

    for _ in range(2 * (reconcile.MAX_ATTEMPTS - 1)):
        tenant = reconciled(tenant)
        assert tenant.state not in (TenantState.ACTIVE, TenantState.FAILED)

    assert reconciled(tenant).state == TenantState.ACTIVE


def test_a_step_that_never_works_is_given_up_also_when_the_grant_is_confirmed_each_time(
    upstream, suite, settings
):
    settings.DINGTALK_BREAKER_FAILURES = 0
    upstream.fault(CORP_TOKEN, "errcode", code="unauthorized.client", count=None)
    tenant = grant_arrives(suite, upstream.authorize())

    for _ in range(3 * reconcile.MAX_ATTEMPTS):
        AccessToken.objects.update(retry_at=None)
        tenant = reconciled(tenant)
        if tenant.state == TenantState.FAILED:
            break

    assert tenant.state == TenantState.FAILED
    assert upstream.count(CORP_TOKEN) <= reconcile.MAX_ATTEMPTS


def test_a_code_whose_answer_was_lost_is_never_tried_again_and_a_new_one_is_asked_for(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    upstream.fault(PERMANENT_CODE, "drop_answer")

    tenant = reconciled(code_arrives(legacy_suite, code))

    assert tenant.tmp_auth_codes.get().state == CodeState.LOST
    assert upstream.count(PERMANENT_CODE) == 1
    assert upstream.count(REAUTH) == 1
    assert (tenant.state, tenant.waiting_for) == (TenantState.NEEDS_REAUTH, WaitingFor.NEW_CODE)


def test_the_new_code_after_a_lost_answer_ends_in_an_active_tenant(upstream, legacy_suite):
    first = upstream.authorize()["unspent_codes"][0]
    upstream.fault(PERMANENT_CODE, "drop_answer")
    reconciled(code_arrives(legacy_suite, first, seconds_ago=60))
    fresh = upstream.remote.state()["grants"][0]["unspent_codes"]

    tenant = reconciled(code_arrives(legacy_suite, fresh[-1]))

    assert tenant.state == TenantState.ACTIVE


def test_a_code_that_dingtalk_pushes_again_after_its_answer_was_lost_was_not_spent(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    upstream.fault(PERMANENT_CODE, "http_500")
    tenant = reconciled(code_arrives(legacy_suite, code, seconds_ago=1))
    assert tenant.state == TenantState.NEEDS_REAUTH

    tenant = code_arrives(legacy_suite, code)

    assert tenant.next_reconcile_at > timezone.now()  # not at once: DingTalk may fail again
    tenant = reconciled(tenant)
    assert tenant.state == TenantState.ACTIVE
    assert tenant.tmp_auth_codes.get().state == CodeState.EXCHANGED


def test_a_lost_code_that_comes_once_more_by_an_older_event_stays_lost(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    upstream.fault(PERMANENT_CODE, "drop_answer")
    reconciled(code_arrives(legacy_suite, code))

    tenant = code_arrives(legacy_suite, code, seconds_ago=30)

    assert tenant.tmp_auth_codes.get().state == CodeState.LOST


def test_a_run_that_died_between_call_and_answer_is_found_and_recovered(upstream, legacy_suite):
    upstream.authorize()
    tenant = code_arrives(legacy_suite, "a code that was being exchanged")
    TmpAuthCode.objects.update(state=CodeState.EXCHANGING, exchange_started_at=timezone.now())

    tenant = reconciled(tenant)

    assert tenant.tmp_auth_codes.get().state == CodeState.LOST
    assert tenant.state == TenantState.NEEDS_REAUTH
    assert upstream.count(PERMANENT_CODE) == 0


def test_a_spent_code_leaves_an_active_tenant_active(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    tenant = reconciled(code_arrives(legacy_suite, code, seconds_ago=300))

    tenant = reconciled(code_arrives(legacy_suite, "another code of the same installation"))

    assert tenant.state == TenantState.ACTIVE
    assert tenant.tmp_auth_codes.filter(state=CodeState.SPENT).count() == 1
    assert tenant.permanent_code


def test_twins_of_an_exchanged_code_are_not_tried(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    code_arrives(legacy_suite, "twin", seconds_ago=2)

    tenant = reconciled(code_arrives(legacy_suite, code))

    assert upstream.count(PERMANENT_CODE) == 1
    assert tenant.tmp_auth_codes.filter(state=CodeState.DISCARDED).count() == 1


def test_a_connection_that_never_came_about_leaves_the_code_to_be_exchanged(upstream, legacy_suite, settings):
    code = upstream.authorize()["unspent_codes"][0]
    upstream.fault(PERMANENT_CODE, "rate_limit")

    tenant = reconciled(code_arrives(legacy_suite, code))

    assert tenant.tmp_auth_codes.get().state == CodeState.PENDING
    assert reconciled(tenant).state == TenantState.ACTIVE


def test_a_company_that_dingtalk_has_activated_already_needs_no_permanent_code(upstream, legacy_suite):
    upstream.use_mode("sync_http")
    upstream.authorize()

    tenant = reconciled(code_arrives(legacy_suite, "spent elsewhere"))

    assert tenant.state == TenantState.ACTIVE
    assert tenant.activation_note == "activated already, says DingTalk"


def test_under_sync_http_a_refused_activation_is_noted_and_keeps_nobody_from_being_active(upstream, suite):
    upstream.fault(ACTIVATE, "errcode", code=70005)

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert tenant.state == TenantState.ACTIVE
    assert "70005" in tenant.activation_note


def test_under_legacy_http_a_refused_activation_is_tried_again(upstream, legacy_suite):
    upstream.fault(ACTIVATE, "errcode", code=70005)
    code = upstream.authorize()["unspent_codes"][0]

    tenant = reconciled(code_arrives(legacy_suite, code))

    assert tenant.state == TenantState.ACTIVATING
    assert tenant.last_error_code == "70005"
    assert reconciled(tenant).state == TenantState.ACTIVE


def test_a_suite_that_never_activates_does_not_call_for_it(upstream, suite):
    type(suite).objects.update(activation=Activation.NEVER)

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert tenant.state == TenantState.ACTIVE
    assert upstream.count(ACTIVATE) == 0


def test_a_wrong_secret_waits_for_an_operator_and_says_why(upstream, suite):
    suite.suite_secret = "wrong"
    suite.save()

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert (tenant.state, tenant.waiting_for) == (TenantState.FAILED, WaitingFor.OPERATOR)
    assert tenant.last_error_code
    assert tenant.next_reconcile_at > timezone.now() + timedelta(minutes=50)


def test_an_unconfirmed_grant_that_dingtalk_denies_is_relieved(upstream, suite):
    tenant = services.import_tenant(suite=suite, corp_id=CORP_ID, permanent_code="old", now=timezone.now())
    Tenant.objects.update(authorized_at=timezone.now() - timedelta(hours=1))

    tenant = reconciled(tenant)

    assert tenant.state == TenantState.RELIEVED
    assert tenant.permanent_code is None


def test_a_young_grant_that_dingtalk_does_not_know_yet_is_asked_for_again(upstream, suite):
    tenant = services.import_tenant(suite=suite, corp_id=CORP_ID, permanent_code="old", now=timezone.now())

    tenant = reconciled(tenant)

    assert tenant.state == TenantState.AUTHORIZING
    assert tenant.waiting_for == WaitingFor.RETRY


def test_an_imported_company_that_dingtalk_confirms_becomes_active(upstream, suite):
    grant = upstream.authorize()

    tenant = reconciled(
        services.import_tenant(
            suite=suite, corp_id=CORP_ID, permanent_code=grant["permanent_code"], now=timezone.now()
        )
    )

    assert tenant.state == TenantState.ACTIVE
    assert tenant.agents


def test_a_withdrawal_that_dingtalk_contradicts_becomes_a_new_authorisation(upstream, suite):
    grant = upstream.authorize()
    tenant = grant_arrives(suite, grant)
    services.relieve_tenant(
        suite=suite,
        corp_id=CORP_ID,
        platform_time=tenant.grant_time,
        now=timezone.now(),
        reason="org_suite_relieve",
    )

    tenant = reconciled(tenant)

    assert tenant.state == TenantState.ACTIVE
    assert tenant.generation == 3


def test_a_company_that_switched_the_app_off_meanwhile_becomes_stopped(upstream, suite):
    grant = upstream.authorize()
    tenant = grant_arrives(suite, grant)
    services.switch_agent(
        suite=suite,
        corp_id=CORP_ID,
        agent_id=str(grant["agent_id"]),
        is_stopped=True,
        platform_time=timezone.now(),
        now=timezone.now(),
        reason="org_micro_app_stop",
    )

    assert reconciled(tenant).state == TenantState.STOPPED


def test_a_tenant_that_another_run_holds_is_left_alone(upstream, suite):
    tenant = grant_arrives(suite, upstream.authorize())
    claim_lease(Tenant.objects.all(), tenant.pk, seconds=60)

    assert reconciled(tenant).state == TenantState.AUTHORIZING
    assert len(upstream.remote.calls()["calls"]) == 0


def test_a_run_that_was_relieved_meanwhile_discards_its_result(upstream, suite):
    tenant = grant_arrives(suite, upstream.authorize())
    upstream.fault(CORP_TOKEN, "delay", seconds=0.5)

    def withdraw() -> None:
        services.relieve_tenant(
            suite=suite,
            corp_id=CORP_ID,
            platform_time=timezone.now(),
            now=timezone.now(),
            reason="org_suite_relieve",
        )
        connection.close()

    withdrawal = threading.Timer(0.2, withdraw)
    withdrawal.start()

    tenant = reconciled(tenant)
    withdrawal.join()

    assert tenant_row().state == TenantState.RELIEVED
    assert not AccessToken.objects.filter(tenant=tenant, token__isnull=False).exists()


def test_what_is_asked_of_a_tenant_during_a_run_is_done_by_the_same_run(upstream, suite):
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    calls = upstream.count(AUTH_INFO)

    services.rescope_tenant(
        suite=suite, corp_id=CORP_ID, platform_time=timezone.now(), now=timezone.now(), reason="change_auth"
    )
    tenant = reconciled(tenant)

    assert upstream.count(AUTH_INFO) == calls + 1
    assert not tenant.auth_info_due
    assert not tenant.auth_scope_due


def test_the_answer_to_a_code_is_kept_even_by_a_run_whose_lease_is_gone(upstream, legacy_suite):
    code = upstream.authorize()["unspent_codes"][0]
    tenant = code_arrives(legacy_suite, code)

    code_exchange.exchange(tenant, code_exchange.pending_code(tenant))

    assert tenant_row().permanent_code
