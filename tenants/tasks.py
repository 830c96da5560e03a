"""Celery tasks of tenants: each is given a row's id or nothing, makes one call, and may run twice."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from tenants import background, discovery, failed_pushes, sweeps
from tenants.login import retention as login_retention
from tenants.notifications import retention as notification_retention


@shared_task(ignore_result=True)
def reconcile_tenant(tenant_id: str) -> None:
    """Take a tenant's next steps."""
    background.reconcile_tenant(UUID(tenant_id))


@shared_task(ignore_result=True)
def renew_requested_token(token_id: str) -> None:
    """Renew a token ahead of its end."""
    background.renew_requested_token(UUID(token_id))


@shared_task(ignore_result=True)
def reconcile_unconverged() -> None:
    """Mark the tenants that should have converged and have not (on the beat schedule)."""
    sweeps.mark_unconverged_tenants(now=timezone.now())


@shared_task(ignore_result=True)
def refresh_tokens_ahead() -> None:
    """Mark the tokens that end soon (on the beat schedule)."""
    sweeps.mark_tokens_to_refresh(now=timezone.now())


@shared_task(ignore_result=True)
def tidy_notifications() -> None:
    """Give up on lost answers, and remove what is old enough (on the beat schedule)."""
    notification_retention.tidy(now=timezone.now())


@shared_task(ignore_result=True)
def fetch_failed_pushes(fetch_id: str) -> None:
    """Fetch a tenant's failed pushes."""
    background.fetch_failed_pushes(UUID(fetch_id))


@shared_task(ignore_result=True)
def follow_up_outages() -> None:
    """Have failed pushes fetched after outages of ours (on the beat schedule)."""
    failed_pushes.follow_up_outages(now=timezone.now())


@shared_task(ignore_result=True)
def ask_for_failed_pushes() -> None:
    """Have the failed pushes of active tenants fetched now and then (on the beat schedule)."""
    failed_pushes.ask_for_active_tenants(now=timezone.now())


@shared_task(ignore_result=True)
def discover_waiting_companies() -> None:
    """Find companies whose authorisation was never pushed to us (on the beat schedule)."""
    discovery.discover_waiting_companies()


@shared_task(ignore_result=True)
def prune_logins() -> None:
    """Remove logins and tokens of people that are over (on the beat schedule)."""
    login_retention.prune_logins(now=timezone.now())
