"""
Beginning and ending an authorisation: what goes with it in the tenant's row, its tokens and its codes.

An event, an import or an answer of DingTalk may be the reason; whoever calls has locked the tenant's row and
knows that it is so.
"""

from datetime import datetime
from typing import Any

from tenants.models import CodeState, Tenant, TenantState, WaitingFor
from tenants.transitions import change_state


def begin_authorization(
    tenant: Tenant, *, platform_time: datetime | None, now: datetime, reason: str, **changes: Any
) -> None:
    """Begin a new authorisation of a locked tenant whose last one ended: a new generation, nothing done."""
    change_state(
        tenant,
        TenantState.AUTHORIZING,
        reason=reason,
        now=now,
        platform_time=platform_time,
        generation=tenant.generation + 1,
        authorized_at=now,
        activated_at=None,
        activation_note="",
        **changes,
    )
    tenant.tmp_auth_codes.filter(state=CodeState.PENDING).update(
        state=CodeState.DISCARDED, settled_at=now, code=None
    )


def end_authorization(
    tenant: Tenant, *, now: datetime, reason: str, platform_time: datetime | None, unconfirmed: bool = False
) -> None:
    """
    Make a locked tenant relieved: no token, no code, a new generation; if `unconfirmed`, ask DingTalk.

    `platform_time`: None when no event says when; then no switch is left.
    """
    was_relieved = tenant.state == TenantState.RELIEVED
    change_state(
        tenant,
        TenantState.RELIEVED,
        reason=reason,
        now=now,
        platform_time=platform_time,
        generation=tenant.generation + (0 if was_relieved else 1),
        permanent_code=None,
        relieved_at=(was_relieved and tenant.relieved_at) or now,
        grant_time=platform_time or tenant.grant_time,
        **(
            {"agent_switches": {}}
            if platform_time is None
            else switches_since_withdrawal(tenant, platform_time)
        ),
        grant_unconfirmed=unconfirmed,
        auth_info_due=False,
        auth_scope_due=False,
        next_reconcile_at=now if unconfirmed else None,
        waiting_for=WaitingFor.NOTHING,
        attempts=0,
        last_error="",
        last_error_code="",
    )
    tenant.tokens.all().delete()
    tenant.user_tokens.all().delete()
    tenant.tmp_auth_codes.filter(state__in=[CodeState.PENDING, CodeState.EXCHANGING]).update(
        state=CodeState.DISCARDED, settled_at=now
    )
    tenant.tmp_auth_codes.update(code=None)


def is_older_than(stored: dict[str, Any] | None, platform_time: datetime) -> bool:
    """Tell whether a time is older than that of a stored switch or scope of an agent."""
    return stored is not None and platform_time < datetime.fromisoformat(stored["as_of"])


def switches_since_withdrawal(tenant: Tenant, platform_time: datetime) -> dict[str, Any]:
    """
    Return what a withdrawal makes of the columns about an app's switches.

    A new authorisation starts with the app switched on. In whatever order its grant, the withdrawal before
    it and the switches arrive: those from before the newest withdrawal are over.
    """
    withdrawal_time = max(platform_time, tenant.withdrawal_time or platform_time)
    switches = {
        agent_id: switch
        for agent_id, switch in tenant.agent_switches.items()
        if datetime.fromisoformat(switch["as_of"]) >= withdrawal_time
    }
    return {"withdrawal_time": withdrawal_time, "agent_switches": switches}
