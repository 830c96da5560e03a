"""
Tokens that speak for people: kept encrypted, renewed when asked for, once in the whole fleet.

DingTalk may replace the refresh token with each renewal. So who renews holds the row's lease, and stores what
came with the very next statement. Source: obtain-user-token.
"""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.client.login import IssuedUserToken
from dingtalk.foundation.leases import claim_lease, holds_lease, release_lease
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import ApiError, CredentialRejected
from tenants.errors import CompanyNotAuthorized, LoginAgain, TokenUnavailable
from tenants.models import ApiClient, Tenant, TenantState, UserToken
from tenants.suite_secrets import with_secret
from tenants.token_slots import is_same_token

AnswerT = TypeVar("AnswerT")

MIN_TTL_SECONDS = 60
REFRESH_LIFETIME = timedelta(days=30)
# Longer than a call to DingTalk that times out; a holder that is slower still is fenced off.
LEASE_SECONDS = 45
POLL_SECONDS = 0.1
# What a refusal of a refresh token can mean; the rest is about us, a limit, or DingTalk itself.
_REFUSES_THE_PERSON = frozenset(
    {
        Action.REAUTH_USER,
        Action.REAUTH,
        Action.REFRESH_TOKEN,
        Action.PARAM,
        Action.NOT_FOUND,
        Action.TENANT_GONE,
    }
)


def store_user_token(
    client: ApiClient, tenant: Tenant, issued: IssuedUserToken, *, union_id: str, user_id: str, now: datetime
) -> UUID:
    """
    Keep the token of a person who logged in, in place of an earlier one, and return its id.

    Raises CompanyNotAuthorized when the company withdrew, or switched the app off, meanwhile.
    """
    with transaction.atomic():
        same = Tenant.objects.select_for_update().filter(pk=tenant.pk, generation=tenant.generation)
        if not same.filter(state=TenantState.ACTIVE).exists():
            raise CompanyNotAuthorized
        row, _created = UserToken.objects.get_or_create(
            client=client,
            tenant=tenant,
            union_id=union_id,
            defaults={
                "access_token": issued.access_token,
                "expires_at": now,
                "refresh_expires_at": now,
                "created_at": now,
            },
        )
        # A renewal of the token before, if one is under way, loses its lease.
        UserToken.objects.filter(pk=row.pk).update(
            **_columns(row.pk, issued, now=now),
            user_id=user_id,
            created_at=now,
            lease_epoch=F("lease_epoch") + 1,
            lease_until=None,
        )
    return row.pk


def with_user_token(row: UserToken, call: Callable[[str], AnswerT]) -> AnswerT:
    """
    Make a call with a person's token, renewed when it ends soon, and once when DingTalk refuses it.

    Raises LoginAgain, TokenUnavailable, DingTalkError.
    """
    token = _fresh_token(row.pk)
    try:
        return call(token)
    except CredentialRejected:
        token = _fresh_token(row.pk, refused=token)
    try:
        return call(token)
    except CredentialRejected as refusal:
        end_session(row.pk)
        raise LoginAgain from refusal


def end_session(session: UUID) -> None:
    """Forget a person's token."""
    UserToken.objects.filter(pk=session).delete()


def _fresh_token(session: UUID, *, refused: str | None = None) -> str:
    deadline = time.monotonic() + settings.TOKEN_WAIT_SECONDS
    while True:
        row = _read(session)
        if _is_usable(row, refused=refused):
            return row.access_token
        epoch = claim_lease(UserToken.objects.all(), session, seconds=LEASE_SECONDS)
        if epoch is not None:
            return _renew_under_lease(session, epoch, refused=refused)
        if time.monotonic() >= deadline:
            raise TokenUnavailable("Another process is renewing the token.", retry_after_seconds=1)
        time.sleep(POLL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 — spreads callers, guards nothing


def _renew_under_lease(session: UUID, epoch: int, *, refused: str | None) -> str:
    try:
        row = _read(session)
        return row.access_token if _is_usable(row, refused=refused) else _renew(row, epoch)
    finally:
        release_lease(UserToken.objects.all(), session, epoch)


def _renew(row: UserToken, epoch: int) -> str:
    now = timezone.now()
    held = UserToken.objects.filter(holds_lease(epoch), pk=row.pk)
    refresh_token = row.refresh_token
    if refresh_token is None or row.refresh_expires_at <= now:
        held.delete()
        raise LoginAgain
    suite = row.tenant.suite
    try:
        issued = with_secret(
            suite,
            lambda secret: dingtalk_client().refresh_user_access_token(
                client_id=suite.suite_key, client_secret=secret, refresh_token=refresh_token
            ),
        )
    except ApiError as refusal:
        if refusal.action not in _REFUSES_THE_PERSON:
            raise
        held.delete()
        raise LoginAgain from refusal
    if not held.update(**_columns(row.pk, issued, now=now)):
        raise TokenUnavailable("The token was overtaken by a change.", retry_after_seconds=1)
    return issued.access_token


def _read(session: UUID) -> UserToken:
    row = UserToken.objects.select_related("tenant__suite").filter(pk=session).first()
    if row is None or row.tenant.state == TenantState.RELIEVED:
        raise LoginAgain
    return row


def _is_usable(row: UserToken, *, refused: str | None) -> bool:
    is_refused = refused is not None and is_same_token(row.access_token, refused)
    return row.lasts(seconds=MIN_TTL_SECONDS, now=timezone.now()) and not is_refused


def _columns(session: UUID, issued: IssuedUserToken, *, now: datetime) -> dict[str, object]:
    """What a token just issued changes; an answer without a refresh token leaves the one before."""
    columns: dict[str, object] = {
        "access_token": UserToken._meta.get_field("access_token").encrypt_for(session, issued.access_token),
        "expires_at": now + timedelta(seconds=issued.expires_in_seconds),
    }
    if issued.refresh_token:
        columns |= {
            "refresh_token": UserToken._meta.get_field("refresh_token").encrypt_for(
                session, issued.refresh_token
            ),
            "refresh_expires_at": now + REFRESH_LIFETIME,
        }
    return columns
