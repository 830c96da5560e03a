"""
Corp access tokens for callers: one query when there is one, one renewal in the fleet when there is none.

The database is the truth and no cache stands before it: a tenant that was relieved gets nothing from
that commit on.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone

from dingtalk.client.discipline import on_behalf_of, with_patience
from dingtalk.protocol.errors import (
    ApiError,
    AuthorizationGone,
    CredentialRejected,
    DingTalkError,
    RateLimited,
)
from tenants.errors import TenantNotActive, TenantNotFound, TicketMissing, TokenUnavailable
from tenants.models import AccessToken, Tenant, TenantState, TokenKind
from tenants.token_slots import (
    USED_LATELY,
    CurrentToken,
    current_token,
    is_same_token,
    obtain_token,
    slot_of,
)
from tenants.transitions import Overtaken
from tenants.upstream import request_corp_token
from tenants.waiting_room import place_to_wait

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

DEFAULT_MIN_TTL_SECONDS = 60
# Workers wait longer than callers: nobody is on the line.
WORKER_WAIT_SECONDS = 15.0
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class CorpToken:
    """A corp access token to be handed out."""

    access_token: str = field(repr=False)
    expires_at: datetime
    expires_in_seconds: int


def get_corp_access_token(
    tenants: QuerySet[Tenant],
    *,
    suite_key: str,
    corp_id: str,
    min_ttl_seconds: int = DEFAULT_MIN_TTL_SECONDS,
    refused: str | None = None,
) -> CorpToken:
    """
    Return a token of one of `tenants` (those that the caller may see) with at least `min_ttl_seconds` left.

    `refused`: a token that DingTalk no longer takes; it is renewed only while it is the current one. Raises
    TenantNotFound, TenantNotActive, TokenUnavailable.
    """
    row = _find(tenants, suite_key=suite_key, corp_id=corp_id)
    if row is None:
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    if row["state"] != TenantState.ACTIVE:
        raise TenantNotActive(suite_key=suite_key, corp_id=corp_id, state=row["state"])
    now = timezone.now()
    current = stored_token(row)
    if current is None or not _suits(current, min_ttl_seconds=min_ttl_seconds, refused=refused, now=now):
        with place_to_wait():
            current = _renewed_for_caller(row["id"], min_ttl_seconds=min_ttl_seconds, refused=refused)
    else:
        note_use(row, current, now=now)
    return handed_out(current)


def _suits(current: CurrentToken, *, min_ttl_seconds: int, refused: str | None, now: datetime) -> bool:
    is_refused = refused is not None and is_same_token(current.value, refused)
    return current.lasts(seconds=min_ttl_seconds, now=now) and not is_refused


def renew_corp_access_token(tenant_id: UUID) -> CorpToken:
    """
    Renew an active tenant's token now, as an operator asks; what was current before is replaced.

    Raises TenantNotActive, TokenUnavailable.
    """
    stored = AccessToken.objects.filter(tenant_id=tenant_id, kind=TokenKind.CORP, token__isnull=False).first()
    current = current_token(stored) if stored else None
    AccessToken.objects.filter(tenant_id=tenant_id, kind=TokenKind.CORP).update(retry_at=None)
    return handed_out(
        _renewed_for_caller(
            tenant_id, min_ttl_seconds=DEFAULT_MIN_TTL_SECONDS, refused=current.value if current else None
        )
    )


@with_patience()
def renew_requested_token(token_id: UUID) -> None:
    """
    Renew a token ahead of its end, in the background.

    One that nobody uses is dropped instead: whoever wants one next obtains it. A failure is in the row,
    and the renewal stays due until the token ends.
    """
    row = AccessToken.objects.select_related("tenant__suite", "tenant__corp").filter(pk=token_id).first()
    if row is None or row.tenant is None or row.renewal_requested_at is None:
        return
    if row.kind != TokenKind.CORP:
        # Renewed by whoever needs it; dropped, it would be forgotten since when a JSAPI ticket is the same.
        AccessToken.objects.filter(pk=row.pk).update(renewal_requested_at=None)
        return
    current = current_token(row)
    if current is None or not _is_wanted(row):
        _drop(row)
        return
    try:
        ensure_corp_access_token(row.tenant, refused=current.value)
    except AuthorizationGone:
        _have_grant_confirmed(row.tenant)
    except (DingTalkError, TicketMissing, TokenUnavailable, Overtaken) as error:
        extra = {"corp_id": row.tenant.corp.corp_id, "error": type(error).__name__}
        logger.info("token_not_renewed", extra=extra)


def _is_wanted(row: AccessToken) -> bool:
    """Whether a token can be used still, and its tenant was used that day, so that it may be again."""
    now = timezone.now()
    if row.tenant is None or not row.tenant.is_active or row.expires_at is None:
        return False
    is_used = row.last_used_at is not None and row.last_used_at >= now - USED_LATELY
    return is_used and row.expires_at > now


def _drop(row: AccessToken) -> None:
    """Forget a token and the request to renew it, unless it has been renewed or requested anew meanwhile."""
    unchanged = AccessToken.objects.filter(
        pk=row.pk, issued_at=row.issued_at, renewal_requested_at=row.renewal_requested_at
    )
    unchanged.update(token=None, expires_at=None, refresh_at=None, renewal_requested_at=None)


def ensure_corp_access_token(tenant: Tenant, *, refused: str | None = None) -> CurrentToken:
    """
    Return the tenant's token, obtained if there is none, whatever the tenant's state: for workers.

    Raises TicketMissing, TokenUnavailable, DingTalkError, Overtaken.
    """
    return _obtain(
        tenant, min_ttl_seconds=DEFAULT_MIN_TTL_SECONDS, wait_seconds=WORKER_WAIT_SECONDS, refused=refused
    )


def with_corp_access_token(tenant: Tenant, call: Callable[[str], AnswerT]) -> AnswerT:
    """Make a call with the tenant's token, renewed once when DingTalk refuses it: for workers."""
    token = ensure_corp_access_token(tenant).value
    try:
        return call_for(tenant, call, token)
    except CredentialRejected:
        return call_for(tenant, call, ensure_corp_access_token(tenant, refused=token).value)


def call_for(tenant: Tenant, call: Callable[[str], AnswerT], token: str) -> AnswerT:
    """Make a call with a tenant's token, so that it counts as the tenant's."""
    with on_behalf_of(suite_key=tenant.suite.suite_key, corp_id=tenant.corp.corp_id):
        return call(token)


def _obtain(
    tenant: Tenant, *, min_ttl_seconds: int, wait_seconds: float, refused: str | None
) -> CurrentToken:
    return obtain_token(
        slot_of(suite=tenant.suite, kind=TokenKind.CORP, tenant=tenant),
        lambda: request_corp_token(tenant.suite, tenant.corp.corp_id),
        min_ttl_seconds=min_ttl_seconds,
        wait_seconds=wait_seconds,
        refused=refused,
    )


def _find(tenants: QuerySet[Tenant], *, suite_key: str, corp_id: str) -> Mapping[str, Any] | None:
    rows = tenants.filter(suite__suite_key=suite_key, corp__corp_id=corp_id).annotate(
        corp_token=FilteredRelation("tokens", condition=Q(tokens__kind=TokenKind.CORP))
    )
    return (
        rows.order_by()
        .values(
            "id",
            "state",
            token_id=F("corp_token__id"),
            token=F("corp_token__token"),
            issued_at=F("corp_token__issued_at"),
            expires_at=F("corp_token__expires_at"),
            refresh_at=F("corp_token__refresh_at"),
            last_used_at=F("corp_token__last_used_at"),
            renewal_requested_at=F("corp_token__renewal_requested_at"),
        )
        .first()
    )


def stored_token(row: Mapping[str, Any]) -> CurrentToken | None:
    """Return the token of a row with `token_id`, `token`, `expires_at` and `refresh_at`, or None."""
    if row["token"] is None or row["expires_at"] is None:
        return None
    field_ = AccessToken._meta.get_field("token")
    return CurrentToken(
        value=field_.decrypt_for(row["token_id"], row["token"]),
        expires_at=row["expires_at"],
        refresh_at=row["refresh_at"],
    )


def note_use(row: Mapping[str, Any], current: CurrentToken, *, now: datetime) -> None:
    """Write once per token that it is used (unused for a day, it is left to end), and once that it is due."""
    changes: dict[str, Any] = {}
    if row["last_used_at"] is None or row["last_used_at"] < row["issued_at"]:
        changes["last_used_at"] = now
    if now >= current.refresh_at and row["renewal_requested_at"] is None:
        changes |= {"renewal_requested_at": now, "dispatched_at": None}
    if changes:
        AccessToken.objects.filter(pk=row["token_id"]).update(**changes)


def _renewed_for_caller(tenant_id: UUID, *, min_ttl_seconds: int, refused: str | None = None) -> CurrentToken:
    """Renew while a caller waits; every refusal becomes one that says when to ask again."""
    tenant = Tenant.objects.select_related("suite", "corp").get(pk=tenant_id)
    if not tenant.is_active:
        raise _not_active(tenant)
    try:
        current = _obtain(
            tenant,
            min_ttl_seconds=min_ttl_seconds,
            wait_seconds=settings.TOKEN_WAIT_SECONDS,
            refused=refused,
        )
    except Overtaken:
        require_still_active(tenant)
        raise TokenUnavailable("The token was overtaken by a change.", retry_after_seconds=1) from None
    except (DingTalkError, TicketMissing) as error:
        if isinstance(error, AuthorizationGone):
            _have_grant_confirmed(tenant)
        raise token_unavailable(error) from error
    require_still_active(tenant)
    return current


def require_still_active(tenant: Tenant) -> None:
    """Look again: much can happen while a caller waits."""
    tenant.refresh_from_db(fields=["state"])
    if not tenant.is_active:
        raise _not_active(tenant)


def _not_active(tenant: Tenant) -> TenantNotActive:
    return TenantNotActive(suite_key=tenant.suite.suite_key, corp_id=tenant.corp.corp_id, state=tenant.state)


def _have_grant_confirmed(tenant: Tenant) -> None:
    """DingTalk refuses the company: the reconcile asks whether it still has a grant."""
    Tenant.objects.filter(pk=tenant.pk, state=TenantState.ACTIVE).update(
        grant_unconfirmed=True, next_reconcile_at=timezone.now(), dispatched_at=None
    )


def token_unavailable(error: DingTalkError | TicketMissing) -> TokenUnavailable:
    """Return what a caller is told when DingTalk could not be asked, or refused."""
    pause = error.retry_after_seconds if isinstance(error, RateLimited) else RETRY_AFTER_SECONDS
    return TokenUnavailable(
        str(error),
        retry_after_seconds=max(1, round(pause)),
        code=error.code if isinstance(error, ApiError) else "",
        request_id=error.request_id if isinstance(error, ApiError) else "",
    )


def handed_out(current: CurrentToken) -> CorpToken:
    """Return a token as a caller gets it."""
    left = current.expires_at - timezone.now()
    return CorpToken(
        access_token=current.value,
        expires_at=current.expires_at,
        expires_in_seconds=max(0, int(left.total_seconds())),
    )
