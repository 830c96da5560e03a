"""
API keys of tenant apps: `isv_<prefix>_<secret>`, made, checked and revoked.

The prefix finds the row. The secret is 256 random bits, so a SHA-256 of it is as good as any password hash
and 100,000 times quicker; nothing else of it is stored.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from dingtalk.foundation import audit
from dingtalk.foundation.redaction import register_secret
from tenants.errors import KeyRefusal, KeyRefused
from tenants.models import ApiClient, ApiKey
from tenants.proxy.paths import MAX_PATTERNS, UnusablePattern, read_pattern

PREFIX_LENGTH = 10
LAST_USE_PRECISION = timedelta(minutes=1)

_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_SECRET_BYTES = 32
_KEY = re.compile(rf"isv_([a-z0-9]{{{PREFIX_LENGTH}}})_([A-Za-z0-9_-]{{43}})", re.ASCII)
# Compared with when there is no such key, so that this takes as long as a wrong secret does.
_NO_DIGEST = "0" * 64


@transaction.atomic
def create_key(
    *,
    client: ApiClient,
    label: str,
    expires_at: datetime | None,
    proxy_paths: Sequence[str] = (),
    now: datetime,
    actor: audit.Actor,
) -> tuple[ApiKey, str]:
    """
    Make a key for a tenant app; return its row and its text, which can never be read again.

    `expires_at`: from then on it is refused; None: it does not expire. `proxy_paths`: patterns of what it may
    call at DingTalk through the portal; raises UnusablePattern.
    """
    paths = read_proxy_paths(proxy_paths)
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(PREFIX_LENGTH))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey.objects.create(
        client=client,
        label=label,
        prefix=prefix,
        secret_digest=_digest(secret),
        expires_at=expires_at,
        proxy_paths=paths,
    )
    audit.record(
        action="api_key.create",
        actor=actor,
        target=key,
        details={
            "client": client.name,
            "label": label,
            "expires_at": expires_at,
            "proxy_paths": paths,
        },
        now=now,
    )
    text = f"isv_{prefix}_{secret}"
    register_secret(text)
    return key, text


@transaction.atomic
def revoke_key(key: ApiKey, *, now: datetime, actor: audit.Actor) -> bool:
    """Refuse a key from now on; False, and nothing changed, when it was revoked before."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        return False
    key.revoked_at = now
    details = {"client": key.client.name, "label": key.label}
    audit.record(action="api_key.revoke", actor=actor, target=key, details=details, now=now)
    return True


@transaction.atomic
def set_proxy_paths(key: ApiKey, patterns: Sequence[str], *, now: datetime, actor: audit.Actor) -> bool:
    """
    Let a key call these paths at DingTalk from now on, and no others; False when they were the same before.

    Raises UnusablePattern, and then nothing has changed.
    """
    paths = read_proxy_paths(patterns)
    stored = ApiKey.objects.select_for_update().get(pk=key.pk)
    if stored.proxy_paths == paths:
        return False
    details = {
        "client": key.client.name,
        "label": key.label,
        "before": stored.proxy_paths,
        "proxy_paths": paths,
    }
    ApiKey.objects.filter(pk=key.pk).update(proxy_paths=paths)
    key.proxy_paths = paths
    audit.record(action="api_key.set_proxy_paths", actor=actor, target=key, details=details, now=now)
    return True


def read_proxy_paths(patterns: Iterable[str]) -> list[str]:
    """Return the patterns, each once; raises UnusablePattern for what is none, and for more than 50."""
    paths = list(dict.fromkeys(read_pattern(pattern) for pattern in patterns))
    if len(paths) > MAX_PATTERNS:
        raise UnusablePattern(paths[MAX_PATTERNS])
    return paths


@dataclass(frozen=True, slots=True)
class ShownKey:
    """What a caller shows: the prefix that finds the key, and the digest of the secret, to be compared."""

    prefix: str
    secret_digest: str = field(repr=False)

    def is_of(self, stored_digest: str) -> bool:
        """Tell in constant time whether the secret is the stored one."""
        return hmac.compare_digest(self.secret_digest, stored_digest)


def read_shown_key(text: str) -> ShownKey | None:
    """Return what a text shows, None when it has not the shape of a key."""
    parts = _KEY.fullmatch(text)
    return ShownKey(prefix=parts[1], secret_digest=_digest(parts[2])) if parts else None


def authenticate(text: str, *, now: datetime) -> ApiKey:
    """
    Return the key that a caller shows, with its client, by one query; raises KeyRefused.

    Its use is noted, at most once a minute.
    """
    key = _matching_key(text)
    _refuse_unless_valid(key, now=now)
    note_use(key.pk, last_used_at=key.last_used_at, now=now)
    return key


def _matching_key(text: str) -> ApiKey:
    """Return the key with this secret, whether it may be used or not."""
    shown = read_shown_key(text)
    if shown is None:
        raise KeyRefused(KeyRefusal.UNKNOWN)
    key = ApiKey.objects.select_related("client").filter(prefix=shown.prefix).first()
    is_right = shown.is_of(key.secret_digest if key else _NO_DIGEST)
    if key is None or not is_right:
        raise KeyRefused(KeyRefusal.UNKNOWN)
    return key


def _refuse_unless_valid(key: ApiKey, *, now: datetime) -> None:
    if key.revoked_at is not None:
        raise KeyRefused(KeyRefusal.REVOKED)
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused(KeyRefusal.EXPIRED)
    if not key.client.is_enabled:
        raise KeyRefused(KeyRefusal.CLIENT_DISABLED)


def note_use(key_id: UUID, *, last_used_at: datetime | None, now: datetime) -> None:
    """Note that a key was used, at most once a minute; `last_used_at`: as it was read."""
    a_while_ago = now - LAST_USE_PRECISION
    if last_used_at is not None and last_used_at > a_while_ago:
        return
    is_old = Q(last_used_at=None) | Q(last_used_at__lte=a_while_ago)
    ApiKey.objects.filter(is_old, pk=key_id).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
