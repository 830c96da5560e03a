"""What the sweeps mark as due, and what they leave alone."""

from datetime import timedelta

import pytest

from tenants import sweeps
from tenants.models import AccessToken, Tenant, TenantState, TokenKind
from tests.tenants.conftest import moment

pytestmark = pytest.mark.django_db


def settle(**columns: object) -> None:
    """Leave the tenant with no date to be looked at, last changed in the morning."""
    Tenant.objects.update(**{"next_reconcile_at": None, "updated_at": moment(0), **columns})


@pytest.fixture
def token(active_tenant) -> AccessToken:
    """A token that was issued in the morning and used, and ends after two hours."""
    return AccessToken.objects.create(
        suite=active_tenant.suite,
        tenant=active_tenant,
        kind=TokenKind.CORP,
        token="t",
        issued_at=moment(0),
        last_used_at=moment(1),
        refresh_at=moment(110),
        expires_at=moment(120),
    )


@pytest.mark.parametrize(
    "forgotten",
    [
        {"state": TenantState.AUTHORIZING},
        {"state": TenantState.ACTIVATING},
        {"state": TenantState.NEEDS_REAUTH},
        {"state": TenantState.FAILED},
        {"grant_unconfirmed": True},
        {"auth_info_due": True},
        {"state": TenantState.RELIEVED, "permanent_code": None, "grant_unconfirmed": True},
    ],
)
def test_a_tenant_that_has_not_converged_and_has_no_date_is_looked_at(active_tenant, tenant_row, forgotten):
    settle(dispatched_at=moment(0), **forgotten)

    assert sweeps.mark_unconverged_tenants(now=moment(11)) == 1

    assert tenant_row().next_reconcile_at == moment(11)
    assert tenant_row().dispatched_at is None


@pytest.mark.parametrize("state", [TenantState.ACTIVE, TenantState.STOPPED, TenantState.RELIEVED])
def test_a_tenant_that_has_converged_is_left_alone(active_tenant, state):
    settle(state=state, permanent_code=None)

    assert sweeps.mark_unconverged_tenants(now=moment(600)) == 0


def test_a_tenant_that_waits_for_its_date_is_left_alone(active_tenant, tenant_row):
    settle(state=TenantState.FAILED, next_reconcile_at=moment(60))

    assert sweeps.mark_unconverged_tenants(now=moment(30)) == 0

    assert tenant_row().next_reconcile_at == moment(60)


def test_a_tenant_that_changed_a_moment_ago_is_left_to_who_changed_it(active_tenant):
    settle(state=TenantState.AUTHORIZING)

    assert sweeps.mark_unconverged_tenants(now=moment(9)) == 0


def test_a_used_token_is_to_be_renewed_from_its_margin_on(token):
    assert sweeps.mark_tokens_to_refresh(now=moment(109)) == 0
    assert sweeps.mark_tokens_to_refresh(now=moment(111)) == 1

    token.refresh_from_db()
    assert token.renewal_requested_at == moment(111)


def test_a_token_is_renewed_for_a_tenant_that_was_used_that_day_though_not_since_it_was_issued(token):
    AccessToken.objects.update(last_used_at=moment(112) - timedelta(days=1))

    assert sweeps.mark_tokens_to_refresh(now=moment(111)) == 1


def test_a_renewal_is_requested_once(token):
    sweeps.mark_tokens_to_refresh(now=moment(111))

    assert sweeps.mark_tokens_to_refresh(now=moment(112)) == 0

    token.refresh_from_db()
    assert token.renewal_requested_at == moment(111)


@pytest.mark.parametrize(
    "changed",
    [
        {"last_used_at": None},
        {"last_used_at": moment(110) - timedelta(days=1)},
        {"token": None},
        {"expires_at": moment(100)},
    ],
    ids=["never used", "not used that day", "no token", "ended"],
)
def test_a_token_that_nobody_needs_is_not_renewed(token, changed):
    AccessToken.objects.update(**changed)

    assert sweeps.mark_tokens_to_refresh(now=moment(111)) == 0


@pytest.mark.parametrize("state", [state for state in TenantState if state != TenantState.ACTIVE])
def test_only_tokens_of_active_tenants_are_renewed(token, state):
    settle(state=state, permanent_code=None)

    assert sweeps.mark_tokens_to_refresh(now=moment(111)) == 0


def test_a_request_is_published_and_not_taken_for_one_that_nobody_took(token):
    AccessToken.objects.update(dispatched_at=moment(0))

    sweeps.mark_tokens_to_refresh(now=moment(111))

    token.refresh_from_db()
    assert token.dispatched_at is None


@pytest.mark.parametrize("count", [1, 5])
def test_each_sweep_is_one_statement(token, django_assert_num_queries, count):
    with django_assert_num_queries(1):
        sweeps.mark_unconverged_tenants(now=moment(11))
    with django_assert_num_queries(1):
        sweeps.mark_tokens_to_refresh(now=moment(111))
