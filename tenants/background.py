"""What workers do for a tenant by a row's id, within the share of its suite. Each may run twice."""

from uuid import UUID

from django.conf import settings
from django.db.models import F

from tenants import failed_pushes, reconcile, tokens
from tenants.fair_share import FairShare
from tenants.models import AccessToken, FailedPushFetch, Tenant

_share = FairShare(threads=lambda: settings.WORKER_THREADS)


def reconcile_tenant(tenant_id: UUID) -> None:
    """Take a tenant's next steps."""
    tenants = Tenant.objects.filter(pk=tenant_id)
    _share.run(
        tenants.values_list("suite_id", flat=True).first(), lambda: reconcile.reconcile_tenant(tenant_id)
    )


def renew_requested_token(token_id: UUID) -> None:
    """Renew a token ahead of its end."""
    rows = AccessToken.objects.filter(pk=token_id)
    _share.run(
        rows.values_list("suite_id", flat=True).first(), lambda: tokens.renew_requested_token(token_id)
    )


def fetch_failed_pushes(fetch_id: UUID) -> None:
    """Fetch a tenant's failed pushes."""
    fetches = FailedPushFetch.objects.filter(pk=fetch_id).annotate(suite_id=F("tenant__suite_id"))
    _share.run(
        fetches.values_list("suite_id", flat=True).first(), lambda: failed_pushes.fetch_wanted(fetch_id)
    )
