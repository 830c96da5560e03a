"""
What is looked for on a schedule, so that nothing is ever left lying.

A sweep only marks rows as due; the dispatcher has them worked on. Each is one statement.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from tenants.models import AccessToken, Tenant, TenantState
from tenants.models.tenant import is_unfinished
from tenants.token_slots import LONGEST_REFRESH_LEAD, USED_LATELY

# A tenant that has not converged and is not due has slipped through: look at it again after this.
FORGOTTEN_AFTER = timedelta(minutes=10)


def mark_unconverged_tenants(*, now: datetime) -> int:
    """Have every tenant reconciled that should have converged, has not, and has no date to be looked at."""
    # In the words of the index `tenant_unfinished`, or it cannot serve.
    unfinished = Tenant.objects.filter(is_unfinished() & Q(next_reconcile_at__isnull=True))
    forgotten = unfinished.filter(updated_at__lt=now - FORGOTTEN_AFTER)
    return forgotten.update(next_reconcile_at=now, dispatched_at=None)


def mark_tokens_to_refresh(*, now: datetime) -> int:
    """
    Have the tokens renewed that end soon, of active tenants that were used that day.

    The lower bound says nothing new: without it each token that ended unused would be passed over again.
    """
    ending = AccessToken.objects.filter(
        refresh_at__gt=now - LONGEST_REFRESH_LEAD,
        refresh_at__lte=now,
        expires_at__gt=now,
        token__isnull=False,
        renewal_requested_at=None,
        tenant__state=TenantState.ACTIVE,
        last_used_at__gte=now - USED_LATELY,
    )
    return ending.update(renewal_requested_at=now, dispatched_at=None)
