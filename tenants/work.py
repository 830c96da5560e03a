"""What the dispatcher has to have done for tenants: reconcile them, renew tokens, fetch failed pushes."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from dingtalk.work import (
    HANDED_OUT_PER_SUITE,
    DueRow,
    WorkQueue,
    claim_due_rows,
    handed_out_by_suite,
    register,
)
from tenants import background, failed_pushes, tasks
from tenants.models import AccessToken, Tenant


def register_queues() -> None:
    """Tell the dispatcher what there is to do."""
    register(
        WorkQueue(
            name="reconcile_tenant",
            claim_due=_claim_due_tenants,
            run=background.reconcile_tenant,
            publish=lambda tenant_id: tasks.reconcile_tenant.delay(str(tenant_id)),
        )
    )
    register(
        WorkQueue(
            name="renew_requested_token",
            claim_due=lambda limit: claim_due_rows(_requested_renewals(), limit=limit),
            run=background.renew_requested_token,
            publish=lambda token_id: tasks.renew_requested_token.delay(str(token_id)),
        )
    )
    register(
        WorkQueue(
            name="fetch_failed_pushes",
            claim_due=lambda limit: claim_due_rows(failed_pushes.due_fetches(), limit=limit),
            run=background.fetch_failed_pushes,
            publish=lambda fetch_id: tasks.fetch_failed_pushes.delay(str(fetch_id)),
        )
    )


def _claim_due_tenants(limit: int) -> list[DueRow]:
    """Claim those that are due for longest, but none of a suite of which many are handed out already."""
    due = _due_tenants()
    if not due.exists():
        return []
    full = [suite for suite, number in handed_out_by_suite(due).items() if number >= HANDED_OUT_PER_SUITE]
    return claim_due_rows(due.exclude(suite_id__in=full), limit=limit)


def _due_tenants() -> QuerySet[Tenant]:
    return Tenant.objects.filter(next_reconcile_at__lte=timezone.now()).order_by("next_reconcile_at")


def _requested_renewals() -> QuerySet[AccessToken]:
    now = timezone.now()
    may_ask = Q(retry_at=None) | Q(retry_at__lte=now)
    requested = AccessToken.objects.filter(may_ask, renewal_requested_at__lte=now)
    return requested.order_by("renewal_requested_at")
