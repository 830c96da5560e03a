"""Tenant apps that may call the REST API: made with their scopes and what they may see."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from dingtalk.foundation import audit
from dingtalk.models import Suite
from tenants.models import ApiClient, Scope, Tenant


@transaction.atomic
def create_client(
    *,
    name: str,
    scopes: Iterable[Scope],
    suites: Sequence[Suite],
    tenants: Sequence[Tenant] | None,
    now: datetime,
    actor: audit.Actor,
) -> ApiClient:
    """
    Make a tenant app that sees the given suites: all their tenants, or only those in `tenants` if given.
    """
    client = ApiClient.objects.create(
        name=name, scopes=sorted({str(scope) for scope in scopes}), covers_all_tenants=tenants is None
    )
    client.suites.set(suites)
    client.tenants.set(tenants or [])
    details = {
        "scopes": client.scopes,
        "suites": [suite.suite_key for suite in suites],
        "only_tenants": None if tenants is None else [str(tenant.pk) for tenant in tenants],
    }
    audit.record(action="api_client.create", actor=actor, target=client, details=details, now=now)
    return client
