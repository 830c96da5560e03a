"""What companies do to their authorisation, in and out of order."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from tenants import services, waking
from tenants.models import AccessToken, CodeState, Tenant, TenantState, TokenKind, WaitingFor
from tests.tenants.conftest import CORP_ID, grant_of, moment

pytestmark = pytest.mark.django_db


def switch(suite, minutes, *, is_stopped, agent_id="1001"):
    return services.switch_agent(
        suite=suite,
        corp_id=CORP_ID,
        agent_id=agent_id,
        is_stopped=is_stopped,
        platform_time=moment(minutes),
        now=moment(minutes),
        reason="org_micro_app_stop" if is_stopped else "org_micro_app_restore",
    )


def code(suite, minutes, text="code-1"):
    return services.receive_tmp_auth_code(
        suite=suite,
        corp_id=CORP_ID,
        tmp_auth_code=text,
        platform_time=moment(minutes),
        now=moment(minutes),
        reason="tmp_auth_code",
    )


def test_a_first_grant_makes_a_tenant_that_is_due_to_be_reconciled(authorize, tenant_row):
    assert authorize(0)

    tenant = tenant_row()
    assert tenant.state == TenantState.AUTHORIZING
    assert tenant.next_reconcile_at == moment(0.1)
    assert tenant.permanent_code == "perm-1"
    assert tenant.corp.name == "杭州云栖科技"
    assert tenant.agents[0]["agent_id"] == 1001
    assert tenant.auth_scope["dept_ids"] == [1]
    assert [str(step) for step in tenant.transitions.all()] == ["∅ → authorizing"]


def test_a_grant_that_is_older_than_the_known_one_changes_nothing(authorize, tenant_row):
    authorize(10)

    assert not authorize(5, grant=grant_of(name="old name"))

    assert tenant_row().corp.name == "杭州云栖科技"


def test_a_change_of_an_active_tenant_keeps_it_active_and_has_its_token_renewed(
    active_tenant, authorize, tenant_row
):
    token = AccessToken.objects.create(
        suite=active_tenant.suite, tenant=active_tenant, kind=TokenKind.CORP, token="t"
    )

    assert authorize(20, grant=grant_of(name="new name"))

    tenant = tenant_row()
    assert (tenant.state, tenant.generation, tenant.corp.name) == (TenantState.ACTIVE, 1, "new name")
    token.refresh_from_db()
    assert token.renewal_requested_at is not None


def test_a_withdrawal_wipes_codes_and_tokens_with_its_commit(active_tenant, relieve, tenant_row, suite):
    code(suite, 1)
    AccessToken.objects.create(suite=suite, tenant=active_tenant, kind=TokenKind.CORP, token="t")

    assert relieve(10)

    tenant = tenant_row()
    assert (tenant.state, tenant.generation) == (TenantState.RELIEVED, 2)
    assert tenant.permanent_code is None
    assert not tenant.tokens.exists()
    assert [(row.state, row.code) for row in tenant.tmp_auth_codes.all()] == [(CodeState.DISCARDED, None)]


def test_an_old_withdrawal_arriving_late_does_not_end_the_new_authorisation(authorize, relieve, tenant_row):
    authorize(0)
    relieve(30)
    authorize(60)

    assert not relieve(30)
    assert not relieve(29)

    tenant = tenant_row()
    assert tenant.state == TenantState.AUTHORIZING
    assert tenant.generation == 3
    assert not tenant.grant_unconfirmed


def test_a_withdrawal_slightly_older_than_the_grant_has_dingtalk_asked(authorize, relieve, tenant_row):
    authorize(60)

    assert not relieve(55)

    assert tenant_row().grant_unconfirmed


def test_a_withdrawal_at_the_very_time_of_the_grant_counts_and_has_dingtalk_asked(
    authorize, relieve, tenant_row
):
    authorize(10)

    assert relieve(10)

    tenant = tenant_row()
    assert tenant.state == TenantState.RELIEVED
    assert tenant.grant_unconfirmed
    assert tenant.next_reconcile_at is not None


def test_a_grant_at_the_very_time_of_the_withdrawal_has_dingtalk_asked(authorize, relieve, tenant_row):
    relieve(10)

    assert not authorize(10)

    tenant = tenant_row()
    assert tenant.state == TenantState.RELIEVED
    assert tenant.grant_unconfirmed


def test_a_withdrawal_of_an_unknown_company_outlives_the_older_grant_that_arrives_later(
    authorize, relieve, tenant_row
):
    assert relieve(10)

    assert not authorize(5)

    assert tenant_row().state == TenantState.RELIEVED


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_the_final_state_depends_on_the_times_and_not_on_the_order(order, authorize, relieve, tenant_row):
    story = [lambda: authorize(0), lambda: relieve(30), lambda: authorize(60)]

    for index in order:
        story[index]()

    assert tenant_row().state == TenantState.AUTHORIZING
    assert tenant_row().grant_time == moment(60)


def test_re_authorising_begins_a_new_generation_with_nothing_activated(authorize, relieve, tenant_row):
    authorize(0)
    Tenant.objects.update(activated_at=moment(1), activation_note="activated", state=TenantState.ACTIVE)
    relieve(10)

    authorize(20)

    tenant = tenant_row()
    assert tenant.state == TenantState.AUTHORIZING
    assert tenant.activated_at is None
    assert tenant.activation_note == ""
    assert [str(step) for step in tenant.transitions.order_by("id")] == [
        "∅ → authorizing",
        "active → relieved",
        "relieved → authorizing",
    ]


def test_the_same_temporary_code_three_times_is_kept_once(suite, tenant_row):
    for _delivery in range(3):
        assert code(suite, 0)

    assert tenant_row().tmp_auth_codes.count() == 1
    assert tenant_row().state == TenantState.AUTHORIZING


def test_a_temporary_code_older_than_the_withdrawal_is_not_kept(suite, relieve, tenant_row):
    relieve(10)

    assert not code(suite, 5)

    assert not tenant_row().tmp_auth_codes.exists()


def test_a_temporary_code_for_an_active_tenant_leaves_it_active(active_tenant, suite, tenant_row):
    assert code(suite, 20, "code-2")

    assert tenant_row().state == TenantState.ACTIVE
    assert tenant_row().permanent_code == "perm-1"


def test_stop_and_restore_follow_the_company(active_tenant, suite, tenant_row):
    assert switch(suite, 10, is_stopped=True)
    assert tenant_row().state == TenantState.STOPPED

    assert switch(suite, 20, is_stopped=False)
    assert tenant_row().state == TenantState.ACTIVE


def test_a_stop_that_is_older_than_the_restore_changes_nothing(active_tenant, suite, tenant_row):
    switch(suite, 20, is_stopped=False)

    assert not switch(suite, 10, is_stopped=True)

    assert tenant_row().state == TenantState.ACTIVE


def test_one_of_two_agents_switched_off_leaves_the_tenant_active(active_tenant, suite, tenant_row):
    Tenant.objects.update(agents=[{"agent_id": 1001, "app_id": 1}, {"agent_id": 1002, "app_id": 2}])

    switch(suite, 10, is_stopped=True)
    assert tenant_row().state == TenantState.ACTIVE

    switch(suite, 11, is_stopped=True, agent_id="1002")
    assert tenant_row().state == TenantState.STOPPED


def test_a_stop_before_the_grant_is_kept_and_dingtalk_is_asked(suite, tenant_row, authorize):
    assert switch(suite, 10, is_stopped=True)
    assert tenant_row().grant_unconfirmed

    authorize(5)

    assert tenant_row().is_stopped_by_company


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_switch_belongs_to_the_authorisation_of_its_time_in_any_order(
    order, authorize, relieve, suite, tenant_row
):
    story = [
        lambda: authorize(0),
        lambda: switch(suite, 10, is_stopped=True),
        lambda: relieve(30),
        lambda: authorize(60),
    ]

    for index in order:
        story[index]()

    assert not tenant_row().is_stopped_by_company


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_switch_after_the_withdrawal_stays_in_any_order(order, authorize, relieve, suite, tenant_row):
    story = [
        lambda: relieve(30),
        lambda: authorize(40),
        lambda: switch(suite, 50, is_stopped=True),
        lambda: authorize(60),
    ]

    for index in order:
        story[index]()

    assert tenant_row().is_stopped_by_company


def test_a_company_that_is_served_again_after_a_late_withdrawal_becomes_active(
    active_tenant, authorize, relieve, suite, tenant_row
):
    switch(suite, 10, is_stopped=True)
    authorize(60)

    assert not relieve(30)

    assert tenant_row().state == TenantState.ACTIVE


def test_another_code_for_the_same_authorisation_keeps_its_switches(suite, relieve, tenant_row):
    relieve(0)
    code(suite, 10)
    switch(suite, 30, is_stopped=False)
    Tenant.objects.update(state=TenantState.NEEDS_REAUTH)

    code(suite, 60, "code-2")

    assert not switch(suite, 20, is_stopped=True)
    assert not tenant_row().is_stopped_by_company


def test_a_new_authorisation_starts_switched_on(active_tenant, suite, relieve, authorize, tenant_row):
    switch(suite, 10, is_stopped=True)
    relieve(20)

    authorize(30)

    assert not tenant_row().is_stopped_by_company


def test_a_changed_scope_without_data_is_to_be_fetched(active_tenant, suite, tenant_row):
    assert services.rescope_tenant(
        suite=suite, corp_id=CORP_ID, platform_time=moment(5), now=moment(5), reason="change_auth"
    )

    tenant = tenant_row()
    assert tenant.auth_info_due
    assert tenant.auth_scope_due
    assert tenant.state == TenantState.ACTIVE


def test_a_changed_scope_of_a_relieved_tenant_gives_it_nothing_before_dingtalk_is_asked(
    suite, authorize, relieve, tenant_row
):
    authorize(0)
    relieve(1)

    services.rescope_tenant(
        suite=suite, corp_id=CORP_ID, platform_time=moment(5), now=moment(5), reason="change_auth"
    )

    assert tenant_row().state == TenantState.RELIEVED
    assert tenant_row().grant_unconfirmed


def test_who_sees_the_app_is_stored_per_agent_and_the_scope_is_to_be_fetched(
    active_tenant, suite, tenant_row
):
    assert services.store_visible_scope(
        suite=suite,
        corp_id=CORP_ID,
        agent_id="1001",
        user_ids=["u1"],
        dept_ids=None,
        platform_time=moment(5),
        now=moment(5),
    )

    tenant = tenant_row()
    assert tenant.auth_scope["visible_by_agent"]["1001"]["user_ids"] == ["u1"]
    assert tenant.auth_scope["dept_ids"] == [1]
    assert tenant.auth_scope_due


def test_an_imported_company_has_to_be_confirmed_by_dingtalk(suite):
    tenant = services.import_tenant(suite=suite, corp_id=CORP_ID, permanent_code="perm-9", now=moment())

    assert tenant.state == TenantState.AUTHORIZING
    assert tenant.grant_unconfirmed
    assert Tenant.objects.get(pk=tenant.pk).permanent_code == "perm-9"


def test_a_profile_as_of_earlier_does_not_replace_a_newer_one(authorize, tenant_row):
    authorize(0, grant=grant_of(name="newer"))
    corp = tenant_row().corp

    services.store_profile(corp, grant_of(name="older"), as_of=moment(0) - timedelta(seconds=1))

    assert tenant_row().corp.name == "newer"


def test_reconcile_can_be_requested_for_whatever_waits(active_tenant, tenant_row):
    Tenant.objects.update(waiting_for=WaitingFor.OPERATOR, next_reconcile_at=None, attempts=7)

    assert waking.request_reconcile(Tenant.objects.all(), now=moment(9)) == 1

    assert tenant_row().next_reconcile_at == moment(9)
    assert tenant_row().attempts == 0


def test_of_a_stop_and_a_restore_at_the_very_same_time_the_stop_counts_in_either_order(
    active_tenant, suite, tenant_row
):
    assert switch(suite, 10, is_stopped=False)
    assert switch(suite, 10, is_stopped=True)
    assert not switch(suite, 10, is_stopped=False)

    assert tenant_row().state == TenantState.STOPPED


def test_a_switch_that_is_older_than_the_withdrawal_says_nothing_new(suite, relieve, tenant_row):
    relieve(30)

    assert not switch(suite, 10, is_stopped=False)
    assert not tenant_row().grant_unconfirmed

    assert switch(suite, 40, is_stopped=False)
    assert tenant_row().grant_unconfirmed


def test_a_grant_slightly_older_than_the_withdrawal_has_dingtalk_asked(relieve, authorize, tenant_row):
    relieve(30)

    assert not authorize(15)
    assert not tenant_row().grant_unconfirmed

    assert not authorize(25)
    assert tenant_row().grant_unconfirmed
    assert tenant_row().state == TenantState.RELIEVED


def test_a_code_slightly_older_than_the_withdrawal_has_dingtalk_asked(relieve, suite, tenant_row):
    relieve(30)

    assert not code(suite, 25)

    assert tenant_row().grant_unconfirmed
    assert not tenant_row().tmp_auth_codes.exists()


def test_a_grant_that_does_not_tell_the_scope_has_it_fetched(authorize, tenant_row):
    told = grant_of()

    authorize(0, grant=replace(told, auth_scope=None))
    assert tenant_row().auth_scope_due

    authorize(1, grant=told)
    assert not tenant_row().auth_scope_due


def test_an_imported_company_that_is_known_keeps_its_state_and_gets_the_code(
    active_tenant, suite, tenant_row
):
    services.import_tenant(suite=suite, corp_id=CORP_ID, permanent_code="perm-9", now=moment(5))

    tenant = tenant_row()
    assert (tenant.state, tenant.generation, tenant.permanent_code) == (TenantState.ACTIVE, 1, "perm-9")
    assert tenant.grant_unconfirmed
    assert Tenant.objects.count() == 1


def test_an_imported_company_that_had_withdrawn_starts_switched_on(active_tenant, suite, relieve, tenant_row):
    switch(suite, 10, is_stopped=True)
    relieve(20)

    services.import_tenant(suite=suite, corp_id=CORP_ID, permanent_code="perm-9", now=moment(30))

    assert not tenant_row().is_stopped_by_company
    assert (tenant_row().state, tenant_row().grant_unconfirmed) == (TenantState.AUTHORIZING, True)


def test_a_withdrawal_keeps_no_code_of_any_state_in_the_clear_or_encrypted(
    active_tenant, suite, relieve, tenant_row
):
    for number, state in enumerate(CodeState):
        code(suite, number, f"code-{state}")
        tenant_row().tmp_auth_codes.filter(platform_time=moment(number)).update(state=state)

    relieve(30)

    rows = tenant_row().tmp_auth_codes.all()
    assert {row.code for row in rows} == {None}
    assert not rows.filter(state__in=[CodeState.PENDING, CodeState.EXCHANGING]).exists()
    assert rows.filter(state=CodeState.LOST).exists()
