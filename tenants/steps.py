"""
The steps by which a tenant converges, each one call to DingTalk and one conditional write.

`next_step` compares what is wanted with what is. Every step may run again at any time: it writes only
while the run holds the lease and the authorisation is still the same, else it raises Overtaken. An answer
that says how things are is stored only if nothing was asked of the tenant since the question.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from dingtalk.client import dingtalk_client
from dingtalk.models import Activation, PushMode
from dingtalk.protocol.errors import ApiError, AuthorizationGone, DingTalkError, HeldBack, RateLimited
from dingtalk.protocol.grant import Grant
from tenants import authorizations, code_exchange
from tenants.grants import grant_columns, scope_column, store_profile
from tenants.models import Tenant, TenantState, WaitingFor
from tenants.runs import Run
from tenants.tokens import ensure_corp_access_token, with_corp_access_token
from tenants.upstream import AUTH_INFO, with_suite_token, with_ticket

# DingTalk may not know a grant yet in the second in which it pushes it.
YOUNG_GRANT = timedelta(minutes=2)
# A company is invited again after as long as it has been waiting, within these bounds.
SHORTEST_WAIT_FOR_CODE = timedelta(minutes=10)
LONGEST_WAIT_FOR_CODE = timedelta(days=1)

_ACTIVATED_ALREADY = gettext_noop("activated already, says DingTalk")


class Parked(Exception):
    """Nothing can be done before something happens: what, and when to look again by ourselves."""

    def __init__(self, waiting_for: WaitingFor, *, look_again_after: timedelta) -> None:
        super().__init__(waiting_for)
        self.waiting_for = waiting_for
        self.look_again_after = look_again_after


Step = Callable[[Run], None]


def next_step(run: Run) -> Step | None:
    """Return what to do next for a tenant, or None when what is wanted is so."""
    tenant = run.tenant
    if tenant.grant_unconfirmed:
        return confirm_grant
    if tenant.state == TenantState.RELIEVED:
        return None
    if run.pending_code() is not None:
        return exchange_code
    if tenant.auth_info_due:
        return fetch_auth_info
    return _step_to_active(run) or _step_of_active(tenant)


def _step_to_active(run: Run) -> Step | None:
    tenant = run.tenant
    if tenant.state in (TenantState.ACTIVE, TenantState.STOPPED):
        return None
    if _activation_is_required(tenant) and not _is_activated(tenant) and not tenant.permanent_code:
        return recover_permanent_code
    if tenant.state in (TenantState.AUTHORIZING, TenantState.NEEDS_REAUTH):
        return begin_activation
    if not run.has_token:
        return obtain_token
    return activate if _activation_is_wanted(tenant) and not _is_activated(tenant) else become_active


def _step_of_active(tenant: Tenant) -> Step | None:
    if tenant.is_active == tenant.is_stopped_by_company:
        return become_active
    if not tenant.is_active:
        return None
    if _activation_is_required(tenant) and not _is_activated(tenant) and tenant.permanent_code:
        return activate
    return fetch_scope if tenant.auth_scope_due else None


def asks_dingtalk(step: Step) -> bool:
    """Tell whether a step calls DingTalk; the others only write down what is known already."""
    return step not in (begin_activation, become_active)


def confirm_grant(run: Run) -> None:
    """Ask DingTalk whether the company has authorised us: its answer ends or begins the authorisation."""
    asked_at = timezone.now()
    try:
        grant = _ask_for_grant(run.tenant)
    except AuthorizationGone as refusal:
        _believe_refusal(run, refusal)
        return
    with transaction.atomic():
        tenant = run.lock_undisturbed()
        if tenant.state == TenantState.RELIEVED:
            authorizations.begin_authorization(
                tenant,
                platform_time=None,
                now=timezone.now(),
                reason=gettext_noop("confirmed by DingTalk"),
                grant_time=asked_at,
                auth_scope_due=True,
            )
        _store_grant(
            tenant, grant, as_of=asked_at, grant_unconfirmed=False, grant_time=tenant.grant_time or asked_at
        )


def exchange_code(run: Run) -> None:
    """Exchange the newest temporary code; what comes of it is in the code's row."""
    run.is_outdated = True
    code = run.pending_code()
    if code is not None:
        code_exchange.exchange(run.tenant, code)


def fetch_auth_info(run: Run) -> None:
    """Fetch profile, agents and administrators of the company."""
    asked_at = timezone.now()
    try:
        grant = _ask_for_grant(run.tenant)
    except AuthorizationGone as refusal:
        _believe_refusal(run, refusal)
        return
    with transaction.atomic():
        _store_grant(run.lock_undisturbed(), grant, as_of=asked_at)


def recover_permanent_code(run: Run) -> None:
    """
    Go on without a permanent code where activation needs one: its temporary code was spent or lost.

    If DingTalk does not list the company as not activated, there is nothing to activate. Else it is
    asked to invite again, which brings a new temporary code.
    """
    tenant = run.tenant
    if _is_activated_at_dingtalk(tenant):
        run.write(activated_at=timezone.now(), activation_note=_ACTIVATED_ALREADY)
        return
    with_suite_token(
        tenant.suite,
        lambda token: dingtalk_client().reauth_corp(
            suite_access_token=token, app_id=_app_id(tenant), corp_ids=[tenant.corp.corp_id]
        ),
    )
    run.move(
        TenantState.NEEDS_REAUTH, reason=gettext_noop("temporary code spent or lost; asked for a new one")
    )
    waited = timezone.now() - (tenant.authorized_at or tenant.created_at)
    raise Parked(
        WaitingFor.NEW_CODE,
        look_again_after=min(max(waited, SHORTEST_WAIT_FOR_CODE), LONGEST_WAIT_FOR_CODE),
    )


def begin_activation(run: Run) -> None:
    """All that is known of the grant is there."""
    run.move(TenantState.ACTIVATING, reason=gettext_noop("authorisation known"))


def obtain_token(run: Run) -> None:
    """Get the first corp access token, which shows that the authorisation works."""
    ensure_corp_access_token(run.tenant)
    run.has_token = True


def activate(run: Run) -> None:
    """
    Confirm the authorisation to DingTalk. Source: activate-suite.

    Where DingTalk activates by itself, a refusal or a missing permanent code is noted and keeps nobody
    from being active. Where it does not, a refusal counts only if DingTalk still waits for us: the answer
    to an earlier attempt may have been lost.
    """
    tenant = run.tenant
    is_required = _activation_is_required(tenant)
    if not tenant.permanent_code:
        _note_activation(run, activation_note=gettext_noop("not attempted: no permanent code"))
        return
    try:
        _activate(tenant, tenant.permanent_code)
    except HeldBack:
        raise
    except DingTalkError as error:
        if not is_required:
            _note_activation(run, activation_note=f"not activated by us: {error}"[:300])
            return
        if not isinstance(error, ApiError) or isinstance(error, RateLimited):
            raise
        if not _is_activated_at_dingtalk(tenant):
            raise
        _note_activation(run, activated_at=timezone.now(), activation_note=_ACTIVATED_ALREADY)
        return
    _note_activation(run, activated_at=timezone.now(), activation_note=gettext_noop("activated"))


def become_active(run: Run, **columns: Any) -> None:
    """The company can be served, or is stopped where it has switched off all that we know of."""
    is_stopped = run.tenant.is_stopped_by_company
    run.move(
        TenantState.STOPPED if is_stopped else TenantState.ACTIVE,
        reason=gettext_noop("converged"),
        **columns,
    )


def _note_activation(run: Run, **columns: Any) -> None:
    """Write what came of an activation: the last thing that a tenant waits for on its way."""
    if run.tenant.state == TenantState.ACTIVATING:
        become_active(run, **columns)
    else:
        run.write(**columns)


def fetch_scope(run: Run) -> None:
    """Fetch whom the app may see, with its own token. Source: obtain-corpsecret-authorization-scope."""
    client = dingtalk_client()
    scope = with_corp_access_token(run.tenant, lambda token: client.get_auth_scopes(corp_access_token=token))
    with transaction.atomic():
        tenant = run.lock_undisturbed()
        _update(tenant, auth_scope=scope_column(tenant, scope), auth_scope_due=False)


def _ask_for_grant(tenant: Tenant) -> Grant:
    client = dingtalk_client()
    return with_ticket(
        tenant.suite,
        lambda identity: client.get_auth_info(identity, corp_id=tenant.corp.corp_id),
        name=AUTH_INFO,
    )


def _store_grant(tenant: Tenant, grant: Grant, *, as_of: datetime, **columns: Any) -> None:
    """Store the answer for a locked tenant: its row first, as everywhere, then the company's."""
    _update(tenant, **{**grant_columns(tenant, grant), "auth_info_due": False, **columns})
    store_profile(tenant.corp, grant, as_of=as_of)


def _update(tenant: Tenant, **columns: Any) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(updated_at=timezone.now(), **columns)


def _believe_refusal(run: Run, refusal: AuthorizationGone) -> None:
    """Only get_auth_info relieves a tenant, and not in the moment in which the grant was pushed."""
    if _is_young(run.tenant):
        raise refusal
    with transaction.atomic():
        authorizations.end_authorization(
            run.lock_undisturbed(),
            now=timezone.now(),
            reason=f"DingTalk: {refusal.code} {refusal.message}"[:300],
            platform_time=None,
        )


def _is_young(tenant: Tenant) -> bool:
    """Whether the last grant or withdrawal that we heard of is of this moment."""
    heard_at = [moment for moment in (tenant.authorized_at, tenant.relieved_at) if moment is not None]
    return bool(heard_at) and timezone.now() - max(heard_at) < YOUNG_GRANT


def _is_activated_at_dingtalk(tenant: Tenant) -> bool:
    """Ask whether DingTalk does not list the company among those that wait for activation."""
    client, app_id = dingtalk_client(), _app_id(tenant)
    waiting = with_suite_token(
        tenant.suite, lambda token: client.get_unactive_corps(suite_access_token=token, app_id=app_id)
    )
    return tenant.corp.corp_id not in waiting.corp_ids and not waiting.has_more


def _app_id(tenant: Tenant) -> int | None:
    return next((agent["app_id"] for agent in tenant.agents if agent.get("app_id")), None)


def _activate(tenant: Tenant, permanent_code: str) -> None:
    client = dingtalk_client()
    with_suite_token(
        tenant.suite,
        lambda token: client.activate_suite(
            suite_access_token=token,
            suite_key=tenant.suite.suite_key,
            corp_id=tenant.corp.corp_id,
            permanent_code=permanent_code,
        ),
    )


def _activation_is_required(tenant: Tenant) -> bool:
    policy = tenant.suite.activation
    return policy == Activation.ALWAYS or (
        policy == Activation.AUTO and tenant.suite.push_mode == PushMode.HTTP
    )


def _activation_is_wanted(tenant: Tenant) -> bool:
    return tenant.suite.activation != Activation.NEVER


def _is_activated(tenant: Tenant) -> bool:
    """Whether activation is done, or was attempted where it may fail."""
    attempted = bool(tenant.activation_note) and not _activation_is_required(tenant)
    return tenant.activated_at is not None or attempted
