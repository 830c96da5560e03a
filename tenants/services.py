"""
What companies do to their authorisation, written to our rows.

These functions change what we *want* of a tenant and never call DingTalk: `reconcile` does. Each takes
DingTalk's own time of the change and returns False, with nothing changed, when the row already
knows something newer. They run inside a transaction and lock the tenant's row.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from dingtalk.models import Suite
from dingtalk.protocol.grant import Grant
from tenants.authorizations import (
    begin_authorization,
    end_authorization,
    is_older_than,
    switches_since_withdrawal,
)
from tenants.grants import encrypted_permanent_code, grant_columns, store_profile
from tenants.models import (
    AuthCorp,
    CodeState,
    Tenant,
    TenantState,
    TmpAuthCode,
    WaitingFor,
)
from tenants.transitions import change_state, remember_creation
from tenants.waking import request_token_renewal

# What is older than the row by less than this may be newer in truth, where our own clock gave the row its
# time: then DingTalk is asked, and its answer counts.
DOUBTFUL_AGE = timedelta(minutes=10)

# DingTalk failed at a code a moment ago, and may again.
AGAIN_AFTER_LOSS = timedelta(seconds=10)

ENDED_STATES = (TenantState.RELIEVED, TenantState.NEEDS_REAUTH, TenantState.FAILED)


@transaction.atomic
def authorize_tenant(
    *, suite: Suite, corp_id: str, grant: Grant, platform_time: datetime, now: datetime, reason: str
) -> bool:
    """Store a grant that came with all its data (org_suite_auth and org_suite_change are alike)."""
    tenant = _locked_or_new_tenant(suite, corp_id, now=now, platform_time=platform_time, reason=reason)
    if _is_outdated(tenant, platform_time):
        _ask_if_doubtful(tenant, platform_time, now=now)
        return False
    _begin_if_ended(tenant, platform_time=platform_time, now=now, reason=reason)
    _write(
        tenant,
        now=now,
        **{"auth_info_due": True, "auth_scope_due": True, **grant_columns(tenant, grant), **_wanted(now)},
        grant_time=platform_time,
    )
    store_profile(tenant.corp, grant, as_of=platform_time)
    request_token_renewal(tenant, now=now)
    return True


@transaction.atomic
def receive_tmp_auth_code(
    *, suite: Suite, corp_id: str, tmp_auth_code: str, platform_time: datetime, now: datetime, reason: str
) -> bool:
    """
    Keep a temporary code to be exchanged; the same code again, in whatever envelope, changes nothing.

    But a lost one that DingTalk pushes anew was not spent, for it pushes another one then. Should it be spent
    all the same, its exchange will say so.
    """
    tenant = _locked_or_new_tenant(suite, corp_id, now=now, platform_time=platform_time, reason=reason)
    known = tenant.tmp_auth_codes.filter(digest=_digest(tmp_auth_code)).first()
    if known is not None and not _was_lost_before(known, platform_time):
        return True
    if tenant.state == TenantState.RELIEVED and _is_outdated(tenant, platform_time):
        _ask_if_doubtful(tenant, platform_time, now=now)
        return False
    _begin_if_ended(tenant, platform_time=platform_time, now=now, reason=reason)
    TmpAuthCode.objects.update_or_create(
        tenant=tenant,
        digest=_digest(tmp_auth_code),
        defaults={
            "code": tmp_auth_code,
            "generation": tenant.generation,
            "platform_time": platform_time,
            "received_at": now,
            "state": CodeState.PENDING,
            "settled_at": None,
        },
    )
    _write(
        tenant,
        now=now,
        **_wanted(now if known is None else now + AGAIN_AFTER_LOSS),
        grant_time=max(platform_time, tenant.grant_time or platform_time),
        auth_info_due=True,
        auth_scope_due=True,
    )
    return True


@transaction.atomic
def rescope_tenant(
    *, suite: Suite, corp_id: str, platform_time: datetime, now: datetime, reason: str
) -> bool:
    """Note that the granted scope changed, by an event that carries no data: it has to be fetched."""
    tenant = _locked_or_new_tenant(suite, corp_id, now=now, platform_time=platform_time, reason=reason)
    if _is_outdated(tenant, platform_time):
        return False
    if tenant.state == TenantState.RELIEVED:
        _write(tenant, now=now, grant_unconfirmed=True, **_wanted(now))
        return True
    _write(tenant, now=now, **_wanted(now), grant_time=platform_time, auth_info_due=True, auth_scope_due=True)
    request_token_renewal(tenant, now=now)
    return True


@transaction.atomic
def relieve_tenant(
    *, suite: Suite, corp_id: str, platform_time: datetime, now: datetime, reason: str
) -> bool:
    """
    End an authorisation: tokens and codes are wiped with the same commit.

    A withdrawal of an unknown company leaves a tombstone, so that an older grant arriving later is
    known to be old. At the very same time as a grant the withdrawal counts, and DingTalk is asked.
    """
    tenant = _locked_or_new_tenant(
        suite, corp_id, now=now, platform_time=platform_time, reason=reason, state=TenantState.RELIEVED
    )
    is_granted = tenant.state != TenantState.RELIEVED
    if tenant.grant_time is not None and platform_time < tenant.grant_time:
        _write(tenant, now=now, **switches_since_withdrawal(tenant, platform_time))
        _follow_switches(tenant, platform_time=platform_time, now=now, reason=reason)
        if is_granted and tenant.grant_time - platform_time < DOUBTFUL_AGE:
            _write(tenant, now=now, grant_unconfirmed=True, **_wanted(now))
        return False
    is_tie = is_granted and tenant.grant_time == platform_time
    end_authorization(tenant, now=now, reason=reason, platform_time=platform_time, unconfirmed=is_tie)
    return True


@transaction.atomic
def switch_agent(
    *,
    suite: Suite,
    corp_id: str,
    agent_id: str,
    is_stopped: bool,
    platform_time: datetime,
    now: datetime,
    reason: str,
) -> bool:
    """
    Store the company's switch of one agent (stop, restore, remove), each in the order of its time.

    Of two at the very same time the stop counts. For a company that we do not know as authorised the
    switch is kept, and DingTalk is asked.
    """
    tenant = _locked_or_new_tenant(suite, corp_id, now=now, platform_time=None, reason=reason)
    is_relieved = tenant.state == TenantState.RELIEVED
    if _is_known_better(tenant.agent_switches.get(agent_id), platform_time, is_stopped=is_stopped):
        return False
    if tenant.withdrawal_time is not None and platform_time < tenant.withdrawal_time:
        return False
    tenant.agent_switches[agent_id] = {"stopped": is_stopped, "as_of": platform_time.isoformat()}
    _write(tenant, now=now, agent_switches=tenant.agent_switches, **_wanted(now))
    if is_relieved or tenant.grant_time is None:
        _write(tenant, now=now, grant_unconfirmed=True)
    else:
        _follow_switches(tenant, platform_time=platform_time, now=now, reason=reason)
    return True


@transaction.atomic
def store_visible_scope(
    *,
    suite: Suite,
    corp_id: str,
    agent_id: str,
    user_ids: Iterable[str] | None,
    dept_ids: Iterable[str] | None,
    platform_time: datetime,
    now: datetime,
) -> bool:
    """Store who sees one agent in the company, where the event says it, and have the scope fetched."""
    tenant = _locked_tenant(suite, corp_id)
    if tenant is None or tenant.state == TenantState.RELIEVED:
        return False
    scope: dict[str, Any] = tenant.auth_scope or {}
    visible = scope.setdefault("visible_by_agent", {})
    if is_older_than(visible.get(agent_id), platform_time):
        return False
    visible[agent_id] = {
        "user_ids": None if user_ids is None else list(user_ids),
        "dept_ids": None if dept_ids is None else list(dept_ids),
        "as_of": platform_time.isoformat(),
    }
    _write(tenant, now=now, **_wanted(now), auth_scope=scope, auth_scope_due=True)
    return True


@transaction.atomic
def import_tenant(*, suite: Suite, corp_id: str, permanent_code: str, now: datetime) -> Tenant:
    """
    Take over a company that authorised the suite before this portal existed.

    The claim is unconfirmed until DingTalk has been asked. A company that is known already keeps its
    state and gets the permanent code.
    """
    tenant = _locked_or_new_tenant(suite, corp_id, now=now, platform_time=None, reason="import")
    if tenant.state in ENDED_STATES:
        begin_authorization(tenant, platform_time=None, now=now, reason="import")
    _write(
        tenant,
        now=now,
        **_wanted(now),
        permanent_code=encrypted_permanent_code(tenant, permanent_code),
        grant_unconfirmed=True,
        auth_info_due=True,
        auth_scope_due=True,
    )
    return tenant


def _locked_rows() -> QuerySet[Tenant]:
    return Tenant.objects.select_related("corp").select_for_update(of=("self",)).order_by()


def _locked_tenant(suite: Suite, corp_id: str) -> Tenant | None:
    return _locked_rows().filter(suite=suite, corp__corp_id=corp_id).first()


def _locked_or_new_tenant(
    suite: Suite,
    corp_id: str,
    *,
    now: datetime,
    platform_time: datetime | None,
    reason: str,
    state: TenantState = TenantState.AUTHORIZING,
) -> Tenant:
    tenant = _locked_tenant(suite, corp_id)
    if tenant is not None:
        return tenant
    corp, _known = AuthCorp.objects.get_or_create(corp_id=corp_id)
    is_grant = state == TenantState.AUTHORIZING
    try:
        with transaction.atomic():
            new = Tenant.objects.create(
                suite=suite, corp=corp, state=state, authorized_at=now if is_grant else None
            )
    except IntegrityError:  # another process was faster
        return _locked_rows().get(suite=suite, corp=corp)
    # Nobody else sees it before the transaction ends.
    remember_creation(new, reason=reason, now=now, platform_time=platform_time)
    return new


def _is_outdated(tenant: Tenant, platform_time: datetime) -> bool:
    """Tell whether a grant is older than what the row knows; at the time of a withdrawal that counts."""
    if tenant.grant_time is None:
        return False
    if tenant.state == TenantState.RELIEVED:
        return platform_time <= tenant.grant_time
    return platform_time < tenant.grant_time


def _ask_if_doubtful(tenant: Tenant, platform_time: datetime, *, now: datetime) -> None:
    """Have DingTalk say what counts where an outdated grant has the row's time, or nearly so."""
    if tenant.grant_time is None or tenant.grant_time - platform_time >= DOUBTFUL_AGE:
        return
    if tenant.state == TenantState.RELIEVED:
        _write(tenant, now=now, grant_unconfirmed=True, **_wanted(now))
    else:
        _write(tenant, now=now, auth_info_due=True, auth_scope_due=True, **_wanted(now))


def _begin_if_ended(tenant: Tenant, *, platform_time: datetime, now: datetime, reason: str) -> None:
    if tenant.state in ENDED_STATES:
        begin_authorization(tenant, platform_time=platform_time, now=now, reason=reason)


def _is_known_better(stored: dict[str, Any] | None, platform_time: datetime, *, is_stopped: bool) -> bool:
    """Tell whether the stored switch is newer, or is a stop of the very same time."""
    if stored is None or is_stopped or not stored["stopped"]:
        return is_older_than(stored, platform_time)
    return platform_time <= datetime.fromisoformat(stored["as_of"])


def _follow_switches(tenant: Tenant, *, platform_time: datetime, now: datetime, reason: str) -> None:
    wanted = TenantState.STOPPED if tenant.is_stopped_by_company else TenantState.ACTIVE
    if tenant.state in (TenantState.ACTIVE, TenantState.STOPPED) and tenant.state != wanted:
        change_state(tenant, wanted, reason=reason, now=now, platform_time=platform_time)


def _wanted(now: datetime) -> dict[str, Any]:
    return {
        "next_reconcile_at": now,
        "dispatched_at": None,
        "waiting_for": WaitingFor.NOTHING,
        "attempts": 0,
        "last_error": "",
        "last_error_code": "",
    }


def _write(tenant: Tenant, *, now: datetime, **columns: Any) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(updated_at=now, **columns)
    for column, value in columns.items():
        setattr(tenant, column, value)


def _was_lost_before(code: TmpAuthCode, platform_time: datetime) -> bool:
    """Tell whether the answer to a code's exchange was lost, and DingTalk has pushed the code since."""
    return (
        code.state == CodeState.LOST and code.platform_time is not None and code.platform_time < platform_time
    )


def _digest(tmp_auth_code: str) -> str:
    return hashlib.sha256(tmp_auth_code.encode()).hexdigest()
