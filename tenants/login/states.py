"""
The `state` of a login in a browser: 256 random bits that work once, for who began, within 10 minutes.

Without it somebody could have a person's browser complete a login that the person never began. Only a digest
is stored, and found by an index: no comparison tells anything by the time it takes.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dingtalk.foundation.redaction import register_secret
from dingtalk.models import Suite
from tenants.errors import LoginStateInvalid
from tenants.models import ApiClient, LoginState

LIFETIME = timedelta(minutes=10)
_BYTES = 32


@dataclass(frozen=True)
class NewState:
    """A state that was just made; nothing else holds its text."""

    text: str = field(repr=False)
    expires_at: datetime


def begin_login(
    client: ApiClient, suite: Suite, *, redirect_uri: str, corp_id: str, now: datetime
) -> NewState:
    """Make a state; `corp_id` is the company that is asked for, or empty."""
    text = secrets.token_urlsafe(_BYTES)
    register_secret(text)
    row = LoginState.objects.create(
        digest=_digest(text),
        client=client,
        suite=suite,
        redirect_uri=redirect_uri,
        corp_id=corp_id,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return NewState(text=text, expires_at=row.expires_at)


def use_state(client: ApiClient, suite: Suite, *, text: str, now: datetime) -> LoginState:
    """
    Use a state up and return what it is about; of two at the same time one gets it.

    Raises LoginStateInvalid: unknown, another app's or suite's, used, or too old. The answer is the same.
    """
    mine = LoginState.objects.filter(digest=_digest(text), client=client, suite=suite)
    if not mine.filter(used_at=None, expires_at__gt=now).update(used_at=now):
        raise LoginStateInvalid
    return mine.get()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
