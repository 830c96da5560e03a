"""
What happens to a company as a whole, whichever suites it authorised: a new profile, its end.

Like `services`: DingTalk is never called, and what is older than the row changes nothing.
"""

from datetime import datetime

from django.db import transaction

from dingtalk.models import Suite
from dingtalk.protocol.grant import Grant
from tenants import services
from tenants.grants import store_profile
from tenants.models import AuthCorp, Tenant, TenantState

DISSOLVED = "the company was dissolved"


@transaction.atomic
def update_profile(*, profile: Grant, platform_time: datetime) -> bool:
    """
    Store a company's new profile; False when a newer one is stored, or the company is unknown.

    The company's row is locked: each suite that it authorised is told of the same, in a lane of its own.
    """
    corp = AuthCorp.objects.select_for_update().filter(corp_id=profile.corp_id).first()
    if corp is None or (corp.profile_time is not None and platform_time < corp.profile_time):
        return False
    store_profile(corp, profile, as_of=platform_time)
    return True


def refetch_profile(*, suite: Suite, corp_id: str, now: datetime) -> bool:
    """Have a company's profile fetched, of which an event says only that it changed; False if withdrawn."""
    granted = Tenant.objects.filter(suite=suite, corp__corp_id=corp_id).exclude(state=TenantState.RELIEVED)
    return bool(
        granted.update(
            auth_info_due=True, next_reconcile_at=now, dispatched_at=None, attempts=0, updated_at=now
        )
    )


def dissolve_company(
    *, suite: Suite, corp_id: str, platform_time: datetime, now: datetime, reason: str
) -> bool:
    """End the authorisation of a company that is no more: as if it had withdrawn, with another reason."""
    return services.relieve_tenant(
        suite=suite,
        corp_id=corp_id,
        platform_time=platform_time,
        now=now,
        reason=f"{reason}: {DISSOLVED}",
    )
