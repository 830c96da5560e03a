"""Writing what DingTalk says of a grant (an event's row, or an answer of get_auth_info) to our rows."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from dingtalk.protocol.grant import AuthScope, Grant
from tenants.models import AuthCorp, Tenant


def store_profile(corp: AuthCorp, grant: Grant, *, as_of: datetime) -> None:
    """Update a company's profile unless a newer one is stored; what DingTalk left out stays."""
    if corp.profile_time is not None and as_of < corp.profile_time:
        return
    told = {
        "name": grant.corp_name,
        "full_name": grant.full_corp_name,
        "industry": grant.industry,
        "logo_url": grant.logo_url,
        "auth_level": grant.auth_level,
        "is_authenticated": grant.is_authenticated,
    }
    changes = {column: value for column, value in told.items() if value not in (None, "")}
    AuthCorp.objects.filter(pk=corp.pk).update(profile_time=as_of, **changes)


def grant_columns(tenant: Tenant, grant: Grant) -> dict[str, Any]:
    """
    Return the tenant's columns that a grant tells; what it does not tell is not among them.

    What it tells in full need not be fetched any more.
    """
    columns: dict[str, Any] = {}
    if grant.agents:
        columns["agents"] = [asdict(agent) for agent in grant.agents]
        columns["auth_info_due"] = False
    if grant.auth_user_id:
        columns["auth_user_id"] = grant.auth_user_id
    if grant.auth_scope is not None:
        columns["auth_scope"] = scope_column(tenant, grant.auth_scope)
        columns["auth_scope_due"] = False
    if grant.permanent_code:
        columns["permanent_code"] = encrypted_permanent_code(tenant, grant.permanent_code)
    return columns


def scope_column(tenant: Tenant, scope: AuthScope) -> dict[str, Any]:
    """Return a scope as the tenant's column holds it: with who sees each agent, which only events say."""
    visible = (tenant.auth_scope or {}).get("visible_by_agent", {})
    return {**scope, "visible_by_agent": visible}


def encrypted_permanent_code(tenant: Tenant, permanent_code: str) -> Any:
    """Return a permanent code as the tenant's column holds it."""
    return Tenant._meta.get_field("permanent_code").encrypt_for(tenant.pk, permanent_code)
