"""Waking what waits for a suite ticket: tenants, and tokens whose renewal was refused for want of one."""

from datetime import datetime

from dingtalk.models import Suite
from tenants.models import AccessToken, Tenant, WaitingFor


def suite_ticket_arrived(suite: Suite, *, now: datetime) -> None:
    """Let everything of a suite that a fresh ticket may help go on at once."""
    Tenant.objects.filter(suite=suite, waiting_for=WaitingFor.SUITE_TICKET).update(
        next_reconcile_at=now, dispatched_at=None
    )
    AccessToken.objects.filter(suite=suite, retry_at__isnull=False).update(retry_at=None)
