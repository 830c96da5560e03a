"""
One renewal per token, however many callers, processes and machines.

A slot is the row of a token. Who wants a token looks; if there is none that lasts, it claims the
row's lease, looks again, asks DingTalk, and stores the answer under its epoch. Whoever does not
get the lease waits for the row to change. A refusal or silence is stored too: until `retry_at` nobody asks.
"""

import hashlib
import hmac
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dingtalk.client import IssuedToken
from dingtalk.foundation.leases import Claim, holds_lease, release_lease
from dingtalk.models import Suite
from dingtalk.protocol.errors import (
    ApiError,
    DingTalkError,
    HeldBack,
    RateLimited,
    TicketRejected,
    TransportError,
)
from dingtalk.tickets import newest_ticket_id
from tenants.errors import TicketMissing, TokenUnavailable
from tenants.models import AccessToken, Tenant, TenantState, TokenKind
from tenants.transitions import Overtaken

# Longer than a call to DingTalk that times out; a holder that is slower still is fenced off.
LEASE_SECONDS = 45
# DingTalk advises a lead of 10 minutes (server-api-calling-guide); jitter spreads what expires together.
REFRESH_LEAD = timedelta(minutes=10)
REFRESH_JITTER_SECONDS = 120
# No token is renewed earlier before its end than this.
LONGEST_REFRESH_LEAD = REFRESH_LEAD + timedelta(seconds=REFRESH_JITTER_SECONDS)
# For a tenant that nobody has asked for so long nothing is renewed ahead: most companies use few apps a day,
# and each renewal is a call of a common budget.
USED_LATELY = timedelta(days=1)
POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
# While DingTalk prolongs what it issued, it does so for this long after the first time.
# Source: create-a-jsapi-ticket
LONGEST_LIFE = {TokenKind.JSAPI: timedelta(hours=24)}
# What is read of a slot and its tenant, several times for each token: what else they have is not needed.
_READ = (
    *("lease_epoch", "lease_until", "kind", "suite_id", "tenant__state", "tenant__generation", "failures"),
    *("retry_at", "last_error", "last_error_code", "token", "first_issued_at", "expires_at", "refresh_at"),
    "renewal_requested_at",
)
_claim = Claim(AccessToken.objects.all, seconds=LEASE_SECONDS)


@dataclass(frozen=True)
class CurrentToken:
    """A token as it is stored: when it ends, and from when it is renewed ahead."""

    value: str = field(repr=False)
    expires_at: datetime
    refresh_at: datetime

    def lasts(self, *, seconds: int, now: datetime) -> bool:
        """Tell whether it has at least that many seconds left."""
        return self.expires_at - now >= timedelta(seconds=seconds)


@dataclass(frozen=True)
class Obtained:
    """A token just issued, by which call, and why not by the first choice."""

    issued: IssuedToken
    method: str
    fallback_reason: str = ""


Obtain = Callable[[], Obtained]


def slot_of(*, suite: Suite, kind: TokenKind, tenant: Tenant | None = None) -> UUID:
    """Return the row of a token, made when there is none yet."""
    return AccessToken.objects.only("pk").get_or_create(suite=suite, kind=kind, tenant=tenant)[0].pk


def obtain_token(
    slot: UUID, obtain: Obtain, *, min_ttl_seconds: int, wait_seconds: float, refused: str | None = None
) -> CurrentToken:
    """
    Return a token of the slot that lasts, renewed at most once in the whole fleet.

    `refused`: a token that DingTalk no longer takes; it is renewed only while it is the current one.
    Raises TokenUnavailable after `wait_seconds`, or while an earlier failure forbids asking, and Overtaken
    when the tenant is relieved. Errors of the call (DingTalkError, TicketMissing) reach only who made it.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        row = _read(slot)
        current = _usable(row, min_ttl_seconds=min_ttl_seconds, refused=refused)
        if current is not None:
            return current
        _raise_if_failing(row)
        renewed = _renew_if_free(row, obtain, min_ttl_seconds=min_ttl_seconds, refused=refused)
        if renewed is not None:
            return renewed
        if time.monotonic() >= deadline:
            raise TokenUnavailable("Another process is renewing the token.", retry_after_seconds=1)
        time.sleep(POLL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 — spreads callers, guards nothing


def current_token(row: AccessToken) -> CurrentToken | None:
    """Return the token of a row, or None when it holds none."""
    if row.token is None or row.expires_at is None:
        return None
    return CurrentToken(
        value=row.token, expires_at=row.expires_at, refresh_at=row.refresh_at or row.expires_at
    )


def is_same_token(one: str, other: str) -> bool:
    """Compare tokens in constant time."""
    return hmac.compare_digest(hashlib.sha256(one.encode()).digest(), hashlib.sha256(other.encode()).digest())


def _read(slot: UUID) -> AccessToken:
    rows = AccessToken.objects.select_related("tenant").only(*_READ)
    row = rows.filter(pk=slot).order_by().first()
    # A relieved tenant has no rows, but one may be made for it the moment after.
    if row is None or (row.tenant is not None and row.tenant.state == TenantState.RELIEVED):
        raise Overtaken
    return row


def _usable(row: AccessToken, *, min_ttl_seconds: int, refused: str | None) -> CurrentToken | None:
    current = current_token(row)
    if current is None or not current.lasts(seconds=min_ttl_seconds, now=timezone.now()):
        return None
    if refused is not None and is_same_token(current.value, refused):
        return None
    return current


def _raise_if_failing(row: AccessToken) -> None:
    pause = ((row.retry_at - timezone.now()).total_seconds()) if row.retry_at else 0
    if pause > 0:
        raise TokenUnavailable(
            row.last_error or "Renewal failed a moment ago.",
            retry_after_seconds=max(1, round(pause)),
            code=row.last_error_code,
        )


def _renew_if_free(
    row: AccessToken, obtain: Obtain, *, min_ttl_seconds: int, refused: str | None
) -> CurrentToken | None:
    """Renew under the lease; None when another holds it, or the row is gone."""
    epoch = _claim(row.pk)
    if epoch is None:
        return None
    try:
        current = None
        # If nobody had the lease when the row was read, and nobody since, its token is still the same.
        if row.lease_until is not None or epoch != row.lease_epoch + 1:
            row = _read(row.pk)
            current = _usable(row, min_ttl_seconds=min_ttl_seconds, refused=refused)
        if current is None:
            return _renew(row, epoch, obtain)
    except BaseException:
        release_lease(AccessToken.objects.all(), row.pk, epoch)
        raise
    release_lease(AccessToken.objects.all(), row.pk, epoch)
    return current


def _renew(row: AccessToken, epoch: int, obtain: Obtain) -> CurrentToken:
    asked_at = timezone.now()
    ticket_id = newest_ticket_id(row.suite_id)
    try:
        obtained = _unless_outlived(row, obtain(), asked_at=asked_at)
    except HeldBack as error:
        _put_off(row, epoch, error)
        raise
    except (DingTalkError, TicketMissing) as error:
        if isinstance(error, TicketMissing) and not error.was_asked_without:
            raise  # nobody was asked, so nobody has to be spared
        _store_failure(row, epoch, error)
        if newest_ticket_id(row.suite_id) != ticket_id:
            # What came before the failure was stored has ended no pause.
            AccessToken.objects.filter(pk=row.pk).update(retry_at=None)
        raise
    return _store(row, epoch, obtained, asked_at=asked_at)


def _store(row: AccessToken, epoch: int, obtained: Obtained, *, asked_at: datetime) -> CurrentToken:
    """
    Store a token and give back the lease, unless it was lost, or the tenant relieved, meanwhile.

    A renewal that was requested meanwhile stays requested: the answer may not know what it is for.
    """
    lifetime = obtained.issued.expires_in_seconds
    first_issued_at = _first_issued_at(row, obtained.issued.token, asked_at=asked_at)
    expires_at = min(asked_at + timedelta(seconds=lifetime), _last_end(row, first_issued_at))
    token = CurrentToken(
        value=obtained.issued.token, expires_at=expires_at, refresh_at=expires_at - _refresh_lead(lifetime)
    )
    with transaction.atomic():
        _lock_unless_overtaken(row)
        held = AccessToken.objects.filter(holds_lease(epoch), pk=row.pk)
        if row.renewal_requested_at is not None:
            held.filter(renewal_requested_at=row.renewal_requested_at).update(renewal_requested_at=None)
        stored = held.update(
            token=AccessToken._meta.get_field("token").encrypt_for(row.pk, token.value),
            first_issued_at=first_issued_at,
            issued_at=timezone.now(),
            expires_at=token.expires_at,
            refresh_at=token.refresh_at,
            method=obtained.method,
            fallback_reason=obtained.fallback_reason[:200],
            dispatched_at=None,
            lease_until=None,
            **_no_failure(),
        )
    if not stored:
        raise Overtaken
    return token


def _unless_outlived(row: AccessToken, obtained: Obtained, *, asked_at: datetime) -> Obtained:
    """Take what outlived its longest life for no answer: stored, everybody would ask again at once."""
    first_issued_at = _first_issued_at(row, obtained.issued.token, asked_at=asked_at)
    if _last_end(row, first_issued_at) <= asked_at:
        raise TransportError(obtained.method, retryable=True, reason="what came back is too old to be good")
    return obtained


def _first_issued_at(row: AccessToken, value: str, *, asked_at: datetime) -> datetime:
    """When this value was first given to us: an earlier time while DingTalk prolongs the same one."""
    is_prolonged = row.token is not None and is_same_token(row.token, value)
    return (row.first_issued_at if is_prolonged else None) or asked_at


def _last_end(row: AccessToken, first_issued_at: datetime) -> datetime:
    longest = LONGEST_LIFE.get(TokenKind(row.kind))
    return first_issued_at + longest if longest else datetime.max.replace(tzinfo=UTC)


def _lock_unless_overtaken(row: AccessToken) -> None:
    """Lock the token's tenant, if the authorisation is still the one that the token was asked for."""
    if row.tenant is None:
        return
    tenants = Tenant.objects.select_for_update().filter(pk=row.tenant.pk, generation=row.tenant.generation)
    if not tenants.exclude(state=TenantState.RELIEVED).exists():
        raise Overtaken


def _refresh_lead(lifetime_seconds: int) -> timedelta:
    jitter = random.uniform(0, min(REFRESH_JITTER_SECONDS, lifetime_seconds / 50))  # noqa: S311 — no secret
    return min(REFRESH_LEAD, timedelta(seconds=lifetime_seconds / 4)) + timedelta(seconds=jitter)


def _no_failure() -> dict[str, Any]:
    return {"failures": 0, "retry_at": None, "last_error": "", "last_error_code": ""}


def _store_failure(row: AccessToken, epoch: int, error: DingTalkError | TicketMissing) -> None:
    AccessToken.objects.filter(holds_lease(epoch), pk=row.pk).update(
        dispatched_at=None,
        failures=F("failures") + 1,
        retry_at=timezone.now() + timedelta(seconds=_pause_seconds(row.failures, error)),
        last_error=str(error)[:500],
        last_error_code=error.code[:100] if isinstance(error, ApiError) else "",
    )


def _put_off(row: AccessToken, epoch: int, error: HeldBack) -> None:
    """Ask later: DingTalk was not asked, so nothing has failed."""
    AccessToken.objects.filter(holds_lease(epoch), pk=row.pk).update(
        dispatched_at=None,
        retry_at=timezone.now() + timedelta(seconds=error.retry_after_seconds),
        last_error=str(error)[:500],
        last_error_code="",
    )


def _pause_seconds(failures: int, error: DingTalkError | TicketMissing) -> float:
    if isinstance(error, TicketRejected):
        return LONGEST_PAUSE_SECONDS  # the next ticket's arrival ends the pause
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 16))
    return max(pause, error.retry_after_seconds) if isinstance(error, RateLimited) else pause
