"""
Waking tenants and tokens: something happened, or somebody wants it, so the dispatcher is to look at them.

These functions mark rows as due. Nothing else of a row changes, and nothing is asked of DingTalk.
"""

from datetime import datetime

from django.db.models import QuerySet

from dingtalk.models import Suite
from tenants.models import AccessToken, Tenant, WaitingFor


def suite_ticket_arrived(suite: Suite, *, now: datetime) -> None:
    """Let everything of a suite that a fresh ticket may help go on at once."""
    Tenant.objects.filter(suite=suite, waiting_for=WaitingFor.SUITE_TICKET).update(
        next_reconcile_at=now, dispatched_at=None
    )
    AccessToken.objects.filter(suite=suite, retry_at__isnull=False).update(retry_at=None)


def request_reconcile(tenants: QuerySet[Tenant], *, now: datetime) -> int:
    """
    Have tenants compared with what DingTalk says now, whatever they waited for; return how many.

    Also one that seems to have converged, or to have withdrawn: its push may have been lost.
    """
    return tenants.update(grant_unconfirmed=True, next_reconcile_at=now, dispatched_at=None, attempts=0)


def request_token_renewal(tenant: Tenant, *, now: datetime) -> None:
    """
    Have the tenant's tokens renewed in the background: one that was issued earlier has the old scope.

    Also where there is none yet: the first one may be on its way.
    """
    AccessToken.objects.filter(tenant=tenant).update(renewal_requested_at=now, dispatched_at=None)
