"""
What is looked for on a schedule, so that nothing is ever left lying.

A sweep only marks rows as due; the dispatcher has them worked on. Each is one statement.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q

from tenants.models import CONVERGED_STATES, AccessToken, Tenant, TenantState

# A tenant that has not converged and is not due has slipped through: look at it again after this.
FORGOTTEN_AFTER = timedelta(minutes=10)


def mark_unconverged_tenants(*, now: datetime) -> int:
    """Have every tenant reconciled that should have converged, has not, and has no date to be looked at."""
    unfinished = ~Q(state__in=CONVERGED_STATES) | Q(grant_unconfirmed=True) | Q(auth_info_due=True)
    forgotten = Tenant.objects.filter(
        unfinished, next_reconcile_at=None, updated_at__lt=now - FORGOTTEN_AFTER
    )
    return forgotten.update(next_reconcile_at=now, dispatched_at=None)


def mark_tokens_to_refresh(*, now: datetime) -> int:
    """Have the tokens of active tenants renewed that were used since they were issued and end soon."""
    ending = AccessToken.objects.filter(
        refresh_at__lte=now,
        expires_at__gt=now,
        token__isnull=False,
        renewal_requested_at=None,
        tenant__state=TenantState.ACTIVE,
        last_used_at__gte=F("issued_at"),
    )
    return ending.update(renewal_requested_at=now, dispatched_at=None)
