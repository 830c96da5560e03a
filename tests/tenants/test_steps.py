"""Single steps of a tenant, and what happens to it while DingTalk answers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dingtalk.foundation.leases import claim_lease, lease_is_free
from dingtalk.models import Activation, Suite
from tenants import code_exchange, services, waking
from tenants.models import AccessToken, CodeState, Tenant, TenantState, TmpAuthCode, WaitingFor
from tenants.runs import Run
from tenants.steps import become_active
from tests.support.onboarding import (
    ACTIVATE,
    AUTH_INFO,
    AUTH_SCOPES,
    CORP_TOKEN,
    PERMANENT_CODE,
    REAUTH,
    SIGNED_CORP_TOKEN,
    UNACTIVE,
    UNIFIED_TOKEN,
    before_answer,
    code_arrives,
    grant_arrives,
    reconciled,
    scope_change_arrives,
    switch_arrives,
    tenant_row,
    withdrawal_arrives,
)
from tests.support.upstream import CORP_ID, legacy_suite, suite, upstream

__all__ = ["legacy_suite", "suite", "upstream"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def active_tenant(upstream, suite) -> Tenant:
    """A company that has converged, an hour ago."""
    return an_hour_later(reconciled(grant_arrives(suite, upstream.authorize())))


@pytest.fixture
def active_legacy_tenant(upstream, legacy_suite) -> Tenant:
    """A company of the legacy push that has converged, an hour ago."""
    code = upstream.authorize()["unspent_codes"][0]
    return an_hour_later(reconciled(code_arrives(legacy_suite, code, seconds_ago=3600)))


def an_hour_later(tenant: Tenant) -> Tenant:
    Tenant.objects.filter(pk=tenant.pk).update(authorized_at=timezone.now() - timedelta(hours=1))
    assert tenant.state == TenantState.ACTIVE
    return tenant_row()


def doubt_arises(tenant: Tenant) -> Tenant:
    Tenant.objects.filter(pk=tenant.pk).update(grant_unconfirmed=True, next_reconcile_at=timezone.now())
    return tenant_row()


class TestWhileDingTalkAnswers:
    def test_a_scope_change_is_fetched_though_an_older_answer_was_on_its_way(
        self, upstream, active_tenant, monkeypatch
    ):
        scope_change_arrives(active_tenant.suite)
        before_answer(monkeypatch, "get_auth_info", lambda: scope_change_arrives(active_tenant.suite))

        tenant = reconciled(active_tenant)

        assert upstream.count(AUTH_INFO) == 2
        assert not tenant.auth_info_due

    def test_who_sees_the_app_is_kept_though_the_scope_was_being_fetched(
        self, upstream, active_tenant, monkeypatch
    ):
        before = upstream.count(AUTH_SCOPES)
        scope_change_arrives(active_tenant.suite)
        before_answer(
            monkeypatch,
            "get_auth_scopes",
            lambda: services.store_visible_scope(
                suite=active_tenant.suite,
                corp_id=CORP_ID,
                agent_id="7",
                user_ids=["clerk"],
                dept_ids=None,
                platform_time=timezone.now(),
                now=timezone.now(),
            ),
        )

        tenant = reconciled(active_tenant)

        assert tenant.auth_scope["visible_by_agent"]["7"]["user_ids"] == ["clerk"]
        assert upstream.count(AUTH_SCOPES) == before + 2
        assert not tenant.auth_scope_due

    def test_a_grant_that_is_pushed_outlives_the_refusal_that_was_on_its_way(
        self, upstream, active_tenant, monkeypatch
    ):
        upstream.act("relieve")
        before_answer(
            monkeypatch, "get_auth_info", lambda: grant_arrives(active_tenant.suite, upstream.authorize())
        )

        tenant = reconciled(doubt_arises(active_tenant))

        assert (tenant.state, tenant.generation) == (TenantState.ACTIVE, 1)

    def test_a_doubt_that_arises_is_settled_by_an_answer_of_its_own(
        self, upstream, active_tenant, monkeypatch
    ):
        before = upstream.count(AUTH_INFO)
        before_answer(monkeypatch, "get_auth_info", lambda: doubt_arises(active_tenant))

        tenant = reconciled(doubt_arises(active_tenant))

        assert upstream.count(AUTH_INFO) == before + 2
        assert not tenant.grant_unconfirmed

    def test_a_withdrawal_discards_the_confirmation(self, upstream, active_tenant, monkeypatch):
        before_answer(
            monkeypatch,
            "get_auth_info",
            lambda: withdrawal_arrives(active_tenant.suite, at=timezone.now() + timedelta(seconds=1)),
        )

        tenant = reconciled(doubt_arises(active_tenant))

        assert tenant.state == TenantState.RELIEVED
        assert tenant.permanent_code is None

    def test_a_withdrawal_discards_the_activation(self, upstream, suite, monkeypatch):
        before_answer(monkeypatch, "activate_suite", lambda: withdrawal_arrives(suite))

        tenant = reconciled(grant_arrives(suite, upstream.authorize()))

        assert tenant.state == TenantState.RELIEVED
        assert tenant.activated_at is None

    def test_a_withdrawal_discards_the_permanent_code(self, upstream, legacy_suite, monkeypatch):
        code = upstream.authorize()["unspent_codes"][0]
        before_answer(monkeypatch, "get_permanent_code", lambda: withdrawal_arrives(legacy_suite))

        tenant = reconciled(code_arrives(legacy_suite, code, seconds_ago=1))

        assert tenant.state == TenantState.RELIEVED
        assert tenant.tmp_auth_codes.get().state == CodeState.DISCARDED
        assert tenant.tmp_auth_codes.get().code is None

    def test_a_relieved_tenant_gets_no_permanent_code_whatever_its_generation(
        self, upstream, legacy_suite, monkeypatch
    ):
        code = upstream.authorize()["unspent_codes"][0]
        before_answer(
            monkeypatch,
            "get_permanent_code",
            lambda: Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None),
        )

        tenant = reconciled(code_arrives(legacy_suite, code))

        assert tenant.permanent_code is None
        assert tenant.last_error == ""

    def test_a_re_authorisation_discards_the_permanent_code_of_the_last_one(
        self, upstream, legacy_suite, monkeypatch
    ):
        old_code = upstream.authorize()["unspent_codes"][0]

        def flip() -> None:
            withdrawal_arrives(legacy_suite)
            code_arrives(legacy_suite, "a code that DingTalk does not know")

        before_answer(monkeypatch, "get_permanent_code", flip)

        tenant = reconciled(code_arrives(legacy_suite, old_code, seconds_ago=1))

        assert tenant.generation == 3
        assert tenant.permanent_code is None

    def test_a_stop_before_the_tenant_becomes_active_is_not_lost(self, upstream, suite):
        grant = upstream.authorize()
        tenant = grant_arrives(suite, grant)
        Tenant.objects.update(state=TenantState.ACTIVATING)
        run = Run(tenant_row(), claim_lease(Tenant.objects.all(), tenant.pk, seconds=60))
        switch_arrives(suite, grant["agent_id"], is_stopped=True)

        become_active(run)
        Tenant.objects.update(lease_until=None)

        assert reconciled(tenant).state == TenantState.STOPPED

    def test_a_ticket_that_comes_while_the_old_one_is_refused_has_it_tried_again_at_once(
        self, upstream, monkeypatch
    ):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")
        upstream.fault(UNIFIED_TOKEN, "errcode", code="unauthorized.client")
        before_answer(monkeypatch, "get_corp_token", lambda: upstream.deliver_ticket(suite))

        tenant = reconciled(grant_arrives(suite, upstream.authorize()))

        assert tenant.waiting_for == WaitingFor.SUITE_TICKET
        assert tenant.next_reconcile_at <= timezone.now()
        assert reconciled(tenant).state == TenantState.ACTIVE

    def test_the_lease_lasts_from_each_step_anew(self, upstream, suite, monkeypatch):
        held: list[bool] = []

        def almost_over() -> None:
            Tenant.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

        def look() -> None:
            held.append(not Tenant.objects.filter(lease_is_free()).exists())

        before_answer(monkeypatch, "get_corp_access_token", almost_over)
        before_answer(monkeypatch, "activate_suite", look)

        reconciled(grant_arrives(suite, upstream.authorize()))

        assert held == [True]

    def test_a_run_whose_lease_was_taken_over_writes_nothing(self, upstream, suite, monkeypatch):
        def taken_over() -> None:
            Tenant.objects.update(lease_epoch=99, lease_until=timezone.now() + timedelta(minutes=1))

        before_answer(monkeypatch, "activate_suite", taken_over)

        tenant = reconciled(grant_arrives(suite, upstream.authorize()))

        assert (tenant.state, tenant.activated_at) == (TenantState.ACTIVATING, None)
        assert tenant.lease_until is not None


class TestTheAnswerToADoubt:
    def test_an_old_withdrawal_does_not_end_what_dingtalk_confirmed_since(self, upstream, suite):
        grant = upstream.authorize()
        services.import_tenant(
            suite=suite, corp_id=CORP_ID, permanent_code=grant["permanent_code"], now=timezone.now()
        )
        reconciled(tenant_row())

        withdrawal_arrives(suite, at=timezone.now() - timedelta(hours=1))

        assert tenant_row().state == TenantState.ACTIVE
        assert not tenant_row().grant_unconfirmed

    def test_a_refusal_in_the_moment_of_grant_and_withdrawal_is_not_believed_yet(self, upstream, suite):
        tenant = grant_arrives(suite, {"agent_id": 1, "permanent_code": "p"})
        Tenant.objects.update(authorized_at=timezone.now() - timedelta(hours=1))
        withdrawal_arrives(suite, at=tenant.grant_time)

        tenant = reconciled(tenant)

        assert (tenant.state, tenant.waiting_for) == (TenantState.RELIEVED, WaitingFor.RETRY)
        assert tenant.grant_unconfirmed

    def test_a_refusal_of_what_was_withdrawn_long_ago_keeps_the_time_of_the_withdrawal(self, upstream, suite):
        tenant = grant_arrives(suite, {"agent_id": 1, "permanent_code": "p"})
        withdrawal_arrives(suite, at=tenant.grant_time)
        long_ago = timezone.now() - timedelta(hours=1)
        Tenant.objects.update(authorized_at=long_ago, relieved_at=long_ago)

        tenant = reconciled(tenant)

        assert (tenant.state, tenant.grant_unconfirmed) == (TenantState.RELIEVED, False)
        assert tenant.relieved_at == long_ago
        assert tenant.next_reconcile_at is None

    def test_a_refused_company_loses_tokens_and_codes(self, upstream, active_tenant):
        upstream.act("relieve")

        tenant = reconciled(doubt_arises(active_tenant))

        assert tenant.state == TenantState.RELIEVED
        assert tenant.permanent_code is None
        assert not tenant.tokens.exists()

    @pytest.mark.parametrize("state", [TenantState.FAILED, TenantState.NEEDS_REAUTH])
    def test_a_confirmed_company_that_waits_goes_on_in_the_same_authorisation(
        self, upstream, active_tenant, state
    ):
        Tenant.objects.update(state=state)

        tenant = reconciled(doubt_arises(active_tenant))

        assert (tenant.state, tenant.generation) == (TenantState.ACTIVE, 1)

    def test_a_tenant_that_was_authorised_anew_has_its_scope_fetched(self, upstream, active_tenant):
        withdrawal_arrives(active_tenant.suite)
        Tenant.objects.update(auth_scope=None)

        tenant = reconciled(doubt_arises(active_tenant))

        assert tenant.state == TenantState.ACTIVE
        assert tenant.auth_scope["dept_ids"]

    def test_a_refused_token_has_the_grant_asked_for_and_only_that_answer_counts(self, upstream, suite):
        upstream.fault(CORP_TOKEN, "errcode", code="invalidAuthInfo")

        tenant = reconciled(grant_arrives(suite, upstream.authorize()))

        assert (tenant.state, tenant.waiting_for) == (TenantState.ACTIVATING, WaitingFor.RETRY)
        assert tenant.grant_unconfirmed
        AccessToken.objects.update(retry_at=None)
        assert reconciled(tenant).state == TenantState.ACTIVE

    def test_the_rows_are_locked_in_the_order_in_which_handlers_lock_them(self, upstream, active_tenant):
        scope_change_arrives(active_tenant.suite)

        with CaptureQueriesContext(
            connection,
        ) as queries:
            reconciled(active_tenant)

        texts = [query["sql"] for query in queries]
        company = next(i for i, text in enumerate(texts) if text.startswith('UPDATE "tenants_authcorp"'))
        begun = max(i for i, text in enumerate(texts[:company]) if text.startswith("BEGIN"))
        assert any(text.startswith('UPDATE "tenants_tenant"') for text in texts[begun:company])


class TestActivation:
    def test_a_company_that_authorised_anew_unheard_is_activated_again(self, upstream, active_legacy_tenant):
        upstream.act("relieve")
        code = upstream.authorize()["unspent_codes"][-1]

        tenant = reconciled(code_arrives(active_legacy_tenant.suite, code))

        assert (tenant.state, tenant.generation) == (TenantState.ACTIVE, 1)
        assert upstream.remote.state()["grants"][0]["activated"]
        assert tenant.activated_at is not None

    def test_a_refusal_to_activate_an_active_tenant_again_leaves_it_active(
        self, upstream, active_legacy_tenant
    ):
        upstream.act("relieve")
        code = upstream.authorize()["unspent_codes"][-1]
        upstream.fault(ACTIVATE, "errcode", code=41031)

        tenant = reconciled(code_arrives(active_legacy_tenant.suite, code))

        assert (tenant.state, tenant.waiting_for) == (TenantState.ACTIVE, WaitingFor.OPERATOR)
        assert tenant.last_error_code == "41031"

    @pytest.mark.parametrize("code", [70005, 99999])
    def test_a_refusal_because_it_is_done_already_counts_as_done(self, upstream, legacy_suite, code):
        upstream.use_mode("sync_http")
        permanent_code = upstream.authorize()["permanent_code"]
        upstream.fault(ACTIVATE, "errcode", code=code)

        tenant = reconciled(
            services.import_tenant(
                suite=legacy_suite, corp_id=CORP_ID, permanent_code=permanent_code, now=timezone.now()
            )
        )

        assert tenant.state == TenantState.ACTIVE
        assert tenant.activation_note == "activated already, says DingTalk"

    def test_an_attempt_that_may_fail_is_no_activation_once_it_is_required(self, upstream, suite):
        grant = upstream.authorize()
        grant_arrives(suite, grant)
        Tenant.objects.update(state=TenantState.ACTIVATING, activation_note="not activated by us: busy")
        Suite.objects.update(activation=Activation.ALWAYS)

        tenant = reconciled(tenant_row())

        assert (tenant.state, tenant.activation_note) == (TenantState.ACTIVE, "activated")

    def test_it_is_confirmed_once_in_an_authorisation(self, upstream, active_legacy_tenant):
        waking.request_reconcile(Tenant.objects.all(), now=timezone.now())

        reconciled(active_legacy_tenant)

        assert upstream.count(ACTIVATE) == 1

    def test_each_authorisation_is_confirmed(self, upstream, active_tenant):
        upstream.act("relieve")
        withdrawal_arrives(active_tenant.suite)

        tenant = reconciled(grant_arrives(active_tenant.suite, upstream.authorize()))

        assert (tenant.state, tenant.generation) == (TenantState.ACTIVE, 3)
        assert upstream.count(ACTIVATE) == 2

    def test_without_a_permanent_code_it_is_not_tried_where_dingtalk_does_it(self, upstream, suite):
        upstream.authorize()

        tenant = reconciled(grant_arrives(suite, {"agent_id": 5, "permanent_code": ""}))

        assert tenant.state == TenantState.ACTIVE
        assert tenant.activation_note == "not attempted: no permanent code"
        assert upstream.count(ACTIVATE) == 0


class TestTemporaryCodes:
    @pytest.mark.parametrize("code", [50005, 99999, -1, 90018])
    def test_a_refusal_that_does_not_spend_the_code_leaves_it_to_be_exchanged(
        self, upstream, legacy_suite, code
    ):
        temporary = upstream.authorize()["unspent_codes"][0]
        upstream.fault(PERMANENT_CODE, "errcode", code=code)

        tenant = reconciled(code_arrives(legacy_suite, temporary))

        assert tenant.tmp_auth_codes.get().state == CodeState.PENDING
        assert reconciled(tenant).state == TenantState.ACTIVE

    def test_a_suite_token_that_is_refused_is_renewed_and_the_code_exchanged(self, upstream, legacy_suite):
        temporary = upstream.authorize()["unspent_codes"][0]
        upstream.fault(PERMANENT_CODE, "errcode", code=42009)

        assert reconciled(code_arrives(legacy_suite, temporary)).state == TenantState.ACTIVE
        assert upstream.count(PERMANENT_CODE) == 2

    def test_a_refusal_that_another_try_cannot_mend_discards_the_code(self, upstream, legacy_suite):
        temporary = upstream.authorize()["unspent_codes"][0]
        upstream.fault(PERMANENT_CODE, "errcode", code=41026)

        tenant = reconciled(code_arrives(legacy_suite, temporary))

        assert tenant.tmp_auth_codes.get().state == CodeState.DISCARDED
        assert tenant.tmp_auth_codes.get().code is None

    def test_a_code_that_another_run_is_exchanging_is_not_exchanged_twice(self, upstream, legacy_suite):
        tenant = code_arrives(legacy_suite, upstream.authorize()["unspent_codes"][0])
        code = code_exchange.pending_code(tenant)
        TmpAuthCode.objects.update(state=CodeState.EXCHANGING)

        code_exchange.exchange(tenant, code)

        assert upstream.count(PERMANENT_CODE) == 0
        assert tenant_row().permanent_code is None

    def test_a_code_of_another_company_is_discarded_and_gives_this_one_nothing(
        self, upstream, legacy_suite, monkeypatch
    ):
        temporary = upstream.authorize()["unspent_codes"][0]

        tenant = reconciled(code_arrives(legacy_suite, temporary, corp_id="dinganother00001"))

        assert tenant.permanent_code is None
        assert tenant.tmp_auth_codes.get().state == CodeState.DISCARDED

    def test_a_company_that_does_not_answer_is_invited_again_ever_more_rarely(self, upstream, legacy_suite):
        upstream.authorize()
        tenant = reconciled(code_arrives(legacy_suite, "spent"))
        pauses = [tenant.next_reconcile_at - timezone.now()]
        for waited in (timedelta(hours=3), timedelta(days=30)):
            Tenant.objects.update(authorized_at=timezone.now() - waited)
            pauses.append(reconciled(tenant).next_reconcile_at - timezone.now())

        assert [round(pause / timedelta(minutes=1)) for pause in pauses] == [10, 180, 1440]
        assert upstream.count(REAUTH) == 3

    def test_a_list_that_was_cut_does_not_show_that_the_company_is_activated(
        self, upstream, legacy_suite, monkeypatch
    ):
        from dingtalk.client import DingTalkClient, UnactiveCorps

        upstream.authorize()
        cut = UnactiveCorps(app_id=1, corp_ids=["dinganother00001"], has_more=True)
        monkeypatch.setattr(DingTalkClient, "get_unactive_corps", lambda *_args, **_named: cut)

        assert reconciled(code_arrives(legacy_suite, "spent")).state == TenantState.NEEDS_REAUTH

    def test_codes_of_an_authorisation_that_failed_are_wiped_by_the_next(self, upstream, legacy_suite):
        code_arrives(legacy_suite, "of the old one")
        Tenant.objects.update(state=TenantState.FAILED)

        tenant = code_arrives(legacy_suite, "of the new one")

        old, new = tenant.tmp_auth_codes.order_by("generation")
        assert (old.state, old.code) == (CodeState.DISCARDED, None)
        assert (new.state, new.generation) == (CodeState.PENDING, 2)


class TestTickets:
    def test_every_company_of_a_suite_without_a_ticket_waits_for_it(self, upstream):
        upstream.use_mode("http")
        suite = upstream.register_suite()

        tenants = [
            reconciled(code_arrives(suite, "code", corp_id=f"dingcorp{number}")) for number in range(3)
        ]

        assert {tenant.waiting_for for tenant in tenants} == {WaitingFor.SUITE_TICKET}

    def test_every_company_of_a_suite_whose_ticket_is_refused_waits_for_the_next(self, upstream):
        upstream.use_mode("http")
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")

        tenants = [
            reconciled(code_arrives(suite, "code", corp_id=f"dingcorp{number}")) for number in range(3)
        ]

        assert {tenant.waiting_for for tenant in tenants} == {WaitingFor.SUITE_TICKET}
        # Both generations of the call for the suite's own token, once for all three.
        assert len(upstream.remote.calls()["calls"]) == 2


class TestActiveTenants:
    def test_a_token_that_is_refused_before_its_end_is_renewed_once(self, upstream, active_tenant):
        scope_change_arrives(active_tenant.suite)
        upstream.fault(AUTH_SCOPES, "errcode", code=40014)
        before = upstream.count(CORP_TOKEN)

        tenant = reconciled(active_tenant)

        assert not tenant.auth_scope_due
        assert upstream.count(CORP_TOKEN) == before + 1

    def test_a_token_that_is_always_refused_makes_no_loop(self, upstream, active_tenant):
        scope_change_arrives(active_tenant.suite)
        upstream.fault(AUTH_SCOPES, "errcode", code=40014, count=None)
        before = upstream.count(AUTH_SCOPES)

        tenant = reconciled(active_tenant)

        assert upstream.count(AUTH_SCOPES) == before + 2
        assert (tenant.state, tenant.waiting_for) == (TenantState.ACTIVE, WaitingFor.RETRY)

    def test_a_stopped_company_with_a_new_agent_is_active(self, upstream, active_tenant):
        for agent in active_tenant.agents:
            switch_arrives(active_tenant.suite, agent["agent_id"], is_stopped=True)
        assert tenant_row().state == TenantState.STOPPED

        tenant = reconciled(grant_arrives(active_tenant.suite, {"agent_id": 77, "permanent_code": "p"}))

        assert tenant.state == TenantState.ACTIVE

    def test_of_two_agents_both_have_to_be_stopped(self, upstream, active_tenant):
        agent_id = active_tenant.agents[0]["agent_id"]
        Tenant.objects.update(agents=[*active_tenant.agents, {"agent_id": 88, "app_id": None}])

        switch_arrives(active_tenant.suite, agent_id, is_stopped=True)
        assert reconciled(active_tenant).state == TenantState.ACTIVE

        switch_arrives(active_tenant.suite, 88, is_stopped=True)
        assert reconciled(active_tenant).state == TenantState.STOPPED

    def test_a_scope_that_changed_while_stopped_is_fetched_after_the_restore(self, upstream, active_tenant):
        agent_id = active_tenant.agents[0]["agent_id"]
        switch_arrives(active_tenant.suite, agent_id, is_stopped=True)
        scope_change_arrives(active_tenant.suite)
        tenant = reconciled(active_tenant)
        assert (tenant.auth_scope_due, tenant.next_reconcile_at) == (True, None)

        tenant = switch_arrives(active_tenant.suite, agent_id, is_stopped=False)

        assert tenant.next_reconcile_at <= timezone.now()
        assert not reconciled(tenant).auth_scope_due

    def test_a_disabled_company_is_asked_for_once_an_hour(self, upstream, active_tenant):
        scope_change_arrives(active_tenant.suite)
        upstream.fault(AUTH_INFO, "errcode", code=50005)

        tenant = reconciled(active_tenant)

        assert (tenant.state, tenant.waiting_for) == (TenantState.ACTIVE, WaitingFor.RETRY)
        assert tenant.next_reconcile_at - timezone.now() > timedelta(minutes=55)


def test_a_company_that_is_disabled_while_it_authorises_has_not_failed(upstream, suite):
    upstream.fault(CORP_TOKEN, "errcode", code="50005")

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert (tenant.state, tenant.waiting_for) == (TenantState.ACTIVATING, WaitingFor.RETRY)
    assert tenant.next_reconcile_at - timezone.now() > timedelta(minutes=55)


def test_a_run_that_breaks_off_is_noted_without_its_text_and_pauses(upstream, suite, monkeypatch):
    from dingtalk.client import DingTalkClient

    def break_off(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("secret-of-the-suite")

    monkeypatch.setattr(DingTalkClient, "get_corp_access_token", break_off)

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert (tenant.waiting_for, tenant.attempts) == (WaitingFor.RETRY, 1)
    assert tenant.last_error == "unexpected RuntimeError"
    assert timedelta(seconds=5) < tenant.next_reconcile_at - timezone.now() < timedelta(seconds=11)
    assert tenant.lease_until is None
    Tenant.objects.update(attempts=5_000)
    assert reconciled(tenant).next_reconcile_at - timezone.now() <= timedelta(minutes=15)


def test_a_wait_of_the_platforms_choice_is_kept(upstream, suite):
    upstream.fault(CORP_TOKEN, "ip_ban")

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    assert tenant.waiting_for == WaitingFor.RETRY
    assert tenant.next_reconcile_at - timezone.now() > timedelta(seconds=290)
    assert upstream.count(SIGNED_CORP_TOKEN) == 0
    assert upstream.count(UNACTIVE) == 0
