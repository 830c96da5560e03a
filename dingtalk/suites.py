"""
Registering suites and changing them.

Whoever keeps a suite's credentials notices a change by its version; the previous value of a changed
secret goes on working for a while, so that ours and DingTalk's need not change in the same second.
"""

import hashlib
import secrets
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from dingtalk import credentials
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.encrypted_fields import EncryptedField, encrypted_fields_of
from dingtalk.models import Suite
from dingtalk.suite_values import OPTIONAL_SECRET_FIELDS, PLAIN_FIELDS, SECRET_FIELDS, checked_values

PREVIOUS_SECRET_LIFETIME = timedelta(hours=48)

_GENERATED_TOKEN_LENGTH = 32
_ENCODING_AES_KEY_LENGTH = 43
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_FINGERPRINT_LENGTH = 8


def register_suite(
    *,
    name: str,
    suite_id: str,
    suite_key: str,
    suite_secret: str,
    callback_token: str,
    encoding_aes_key: str,
    actor: Actor,
    now: datetime,
    **settings: str,
) -> Suite:
    """
    Store a new suite; its callback URL is `callback_url(suite)`.

    `settings`: further fields of PLAIN_FIELDS and OPTIONAL_SECRET_FIELDS that are not to have their default.
    Raises ValidationError by field name, without any secret in its text.
    """
    values = checked_values(
        {
            "name": name,
            "suite_id": suite_id,
            "suite_key": suite_key,
            "suite_secret": suite_secret,
            "callback_token": callback_token,
            "encoding_aes_key": encoding_aes_key,
            **settings,
        }
    )
    try:
        with transaction.atomic():
            suite = Suite.objects.create(**values)
            details = {name: str(values[name]) for name in PLAIN_FIELDS if name in values}
            audit.record(action="suite.register", actor=actor, target=suite, details=details, now=now)
    except IntegrityError as error:
        raise _key_taken() from error
    return suite


def change_suite(
    suite: Suite, *, changes: Mapping[str, str], actor: Actor, now: datetime, keep_previous: bool = True
) -> Suite:
    """
    Change some fields of a suite, and return it as it is then; equal values change nothing.

    With `keep_previous` the old value of a changed secret works for another 48 hours. The suite key can be
    changed until DingTalk has verified the callback URL. Raises ValidationError by field name.
    """
    values = checked_values(changes)
    try:
        with transaction.atomic():
            # A plain lock would hold up pushes, whose foreign key looks at this row.
            current = Suite.objects.select_for_update(no_key=True).get(pk=suite.pk)
            changed = {name: value for name, value in values.items() if getattr(current, name) != value}
            if changed:
                _store_changes(current, changed, now=now, keep_previous=keep_previous)
                _record_changes(current, changed, actor=actor, now=now, keep_previous=keep_previous)
    except IntegrityError as error:
        raise _key_taken() from error
    suite.refresh_from_db()
    return suite


def end_previous(suite: Suite, *, name: str, actor: Actor, now: datetime) -> Suite:
    """
    End the previous value of a secret at once, and return the suite as it is then.

    `name`: one of SECRET_FIELDS. Without a previous value nothing changes.
    """
    if name not in SECRET_FIELDS:
        raise ValueError(f"{name} has no previous value")
    previous = f"{name}_previous"
    with transaction.atomic():
        kept = Suite.objects.filter(pk=suite.pk, **{f"{previous}__isnull": False})
        ended = kept.update(
            version=F("version") + 1, updated_at=now, **{previous: None, f"{previous}_until": None}
        )
        if ended:
            transaction.on_commit(lambda: credentials.invalidate(suite.path_slug))
            audit.record(
                action="suite.end_previous", actor=actor, target=suite, details={"ended": name}, now=now
            )
    suite.refresh_from_db()
    return suite


def callback_url(suite: Suite) -> str:
    """Return the address to enter at DingTalk; whoever knows it still needs the callback token."""
    return f"{settings.PUBLIC_BASE_URL}{suite.callback_path}"


def generate_callback_token() -> str:
    """Return a new callback token of 32 letters and digits."""
    return _random_text(_GENERATED_TOKEN_LENGTH)


def generate_encoding_aes_key() -> str:
    """Return a new EncodingAESKey: 43 letters and digits."""
    return _random_text(_ENCODING_AES_KEY_LENGTH)


def fingerprint(secret: str) -> str:
    """Return the first 8 hex digits of the SHA-256: enough to tell two secrets apart, no more."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(length))


def _store_changes(suite: Suite, changed: Mapping[str, str], *, now: datetime, keep_previous: bool) -> None:
    if "suite_key" in changed and suite.callback_verified_at is not None:
        message = _("DingTalk has verified this suite; another suite key is another suite.")
        raise ValidationError({"suite_key": ValidationError(message, code="in_use")})
    columns: dict[str, Any] = {}
    for name, value in changed.items():
        if name in SECRET_FIELDS:
            columns |= _rotated_columns(suite, name, value, now=now, keep_previous=keep_previous)
        elif name in OPTIONAL_SECRET_FIELDS:
            columns[name] = _column(name).encrypt_for(suite.pk, value)
        else:
            columns[name] = value
    Suite.objects.filter(pk=suite.pk).update(version=F("version") + 1, updated_at=now, **columns)
    transaction.on_commit(lambda: credentials.invalidate(suite.path_slug))


def _rotated_columns(
    suite: Suite, name: str, value: str, *, now: datetime, keep_previous: bool
) -> dict[str, Any]:
    previous = f"{name}_previous"
    return {
        name: _column(name).encrypt_for(suite.pk, value),
        previous: _column(previous).encrypt_for(suite.pk, getattr(suite, name)) if keep_previous else None,
        f"{previous}_until": now + PREVIOUS_SECRET_LIFETIME if keep_previous else None,
        f"{previous}_used_at": None,
    }


def _column(name: str) -> EncryptedField:
    return next(field for field in encrypted_fields_of(Suite) if field.name == name)


def _record_changes(
    suite: Suite, changed: Mapping[str, str], *, actor: Actor, now: datetime, keep_previous: bool
) -> None:
    details: dict[str, Any] = {
        name: {"from": _shown(getattr(suite, name)), "to": _shown(value)}
        for name, value in changed.items()
        if name in PLAIN_FIELDS
    }
    replaced = [name for name in (*SECRET_FIELDS, *OPTIONAL_SECRET_FIELDS) if name in changed]
    if replaced:
        details |= {"replaced": replaced, "previous_kept": keep_previous}
    audit.record(action="suite.change", actor=actor, target=suite, details=details, now=now)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _key_taken() -> ValidationError:
    message = _("A suite with this suite key is registered already.")
    return ValidationError({"suite_key": ValidationError(message, code="unique")})
