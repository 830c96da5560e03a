"""What the dispatcher finds to do for tenants, and in which order."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk.foundation.leases import claim_lease
from dingtalk.work import registered_queues
from tenants import tasks
from tenants.models import AccessToken, Tenant, TokenKind

pytestmark = pytest.mark.django_db


def queue(name: str):
    return next(each for each in registered_queues() if each.name == name)


def due(name: str) -> list:
    return [row.id for row in queue(name).claim_due(10)]


@pytest.fixture
def token(active_tenant) -> AccessToken:
    return AccessToken.objects.create(
        suite=active_tenant.suite,
        tenant=active_tenant,
        kind=TokenKind.CORP,
        renewal_requested_at=timezone.now(),
    )


class TestTenants:
    def test_a_tenant_whose_time_has_come_is_due_once(self, active_tenant):
        Tenant.objects.update(next_reconcile_at=timezone.now())

        assert due("reconcile_tenant") == [active_tenant.pk]
        assert due("reconcile_tenant") == []

    @pytest.mark.parametrize("seconds", [None, 60])
    def test_a_tenant_without_a_date_or_before_it_is_not_due(self, active_tenant, seconds):
        date = None if seconds is None else timezone.now() + timedelta(seconds=seconds)
        Tenant.objects.update(next_reconcile_at=date)

        assert due("reconcile_tenant") == []

    def test_a_tenant_that_a_run_holds_is_not_due(self, active_tenant):
        Tenant.objects.update(next_reconcile_at=timezone.now())
        claim_lease(Tenant.objects.all(), active_tenant.pk, seconds=60)

        assert due("reconcile_tenant") == []

    def test_who_waits_longest_is_first(self, suite, authorize, active_tenant):
        now = timezone.now()
        other = Tenant.objects.create(
            suite=suite,
            corp=type(active_tenant.corp).objects.create(corp_id="dingother"),
            next_reconcile_at=now - timedelta(minutes=2),
        )
        Tenant.objects.filter(pk=active_tenant.pk).update(next_reconcile_at=now - timedelta(minutes=1))

        assert due("reconcile_tenant") == [other.pk, active_tenant.pk]


class TestTokens:
    def test_a_requested_renewal_is_due(self, token):
        assert due("renew_requested_token") == [token.pk]

    def test_a_token_that_nobody_wants_renewed_is_not(self, token):
        AccessToken.objects.update(renewal_requested_at=None)

        assert due("renew_requested_token") == []

    def test_a_renewal_that_failed_waits_for_its_pause_and_keeps_no_other_waiting(self, token, suite):
        AccessToken.objects.update(retry_at=timezone.now() + timedelta(minutes=1))
        other = AccessToken.objects.create(
            suite=suite, kind=TokenKind.SUITE, renewal_requested_at=timezone.now()
        )
        assert due("renew_requested_token") == [other.pk]

        AccessToken.objects.update(retry_at=timezone.now())

        assert due("renew_requested_token") == [token.pk]


@pytest.mark.parametrize(
    ("name", "task"),
    [("reconcile_tenant", tasks.reconcile_tenant), ("renew_requested_token", tasks.renew_requested_token)],
)
def test_what_is_published_is_the_rows_id_and_nothing_else(name, task, token, monkeypatch):
    sent = []
    monkeypatch.setattr(
        task, "apply_async", lambda args=None, kwargs=None, **_how: sent.append((args, kwargs))
    )

    queue(name).publish(token.pk)

    assert [(list(args), kwargs or {}) for args, kwargs in sent] == [([str(token.pk)], {})]


def test_a_task_for_a_row_that_is_gone_does_nothing(token):
    token_id, tenant_id = str(token.pk), str(token.tenant_id)
    token.delete()

    tasks.renew_requested_token(token_id)
    tasks.reconcile_tenant(token_id)

    assert Tenant.objects.filter(pk=tenant_id).exists()


def test_the_sweeps_are_tasks_of_the_beat(active_tenant):
    Tenant.objects.update(state="failed", updated_at=timezone.now() - timedelta(hours=1))

    tasks.reconcile_unconverged()
    tasks.refresh_tokens_ahead()

    assert due("reconcile_tenant") == [active_tenant.pk]
