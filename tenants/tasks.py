"""Celery tasks of tenants: each is given a row's id or nothing, makes one call, and may run twice."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from tenants import reconcile, sweeps, tokens


@shared_task(ignore_result=True)
def reconcile_tenant(tenant_id: str) -> None:
    """Take a tenant's next steps."""
    reconcile.reconcile_tenant(UUID(tenant_id))


@shared_task(ignore_result=True)
def renew_requested_token(token_id: str) -> None:
    """Renew a token ahead of its end."""
    tokens.renew_requested_token(UUID(token_id))


@shared_task(ignore_result=True)
def reconcile_unconverged() -> None:
    """Mark the tenants that should have converged and have not (on the beat schedule)."""
    sweeps.mark_unconverged_tenants(now=timezone.now())


@shared_task(ignore_result=True)
def refresh_tokens_ahead() -> None:
    """Mark the tokens that end soon (on the beat schedule)."""
    sweeps.mark_tokens_to_refresh(now=timezone.now())
