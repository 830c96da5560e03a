"""The one place where a tenant's state changes: the row and its history together."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from tenants.models import Tenant, TenantState, TenantTransition


class Overtaken(Exception):
    """The tenant was relieved, authorised again or taken by another run: discard the result."""


def change_state(
    tenant: Tenant,
    to_state: TenantState,
    *,
    reason: str,
    now: datetime,
    platform_time: datetime | None = None,
    unless_overtaken: Q | None = None,
    **changes: Any,
) -> None:
    """
    Move a tenant to a state, write further columns with it, and remember the move.

    The caller holds the row's lock, or gives in `unless_overtaken` what must still be true of the row;
    raises Overtaken when it is not. `tenant` is brought up to date.
    """
    from_state = tenant.state
    with transaction.atomic():
        rows = Tenant.objects.filter(unless_overtaken or Q(), pk=tenant.pk)
        if not rows.update(state=to_state, updated_at=now, **changes):
            raise Overtaken
        tenant.state = to_state
        for column, value in changes.items():
            setattr(tenant, column, value)
        if from_state != to_state:
            _remember(tenant, from_state, reason=reason, now=now, platform_time=platform_time)


def remember_creation(tenant: Tenant, *, reason: str, now: datetime, platform_time: datetime | None) -> None:
    """Begin a new tenant's history."""
    _remember(tenant, "", reason=reason, now=now, platform_time=platform_time)


def _remember(
    tenant: Tenant, from_state: str, *, reason: str, now: datetime, platform_time: datetime | None
) -> None:
    TenantTransition.objects.create(
        tenant=tenant,
        at=now,
        platform_time=platform_time,
        from_state=from_state,
        to_state=tenant.state,
        generation=tenant.generation,
        reason=reason,
    )
