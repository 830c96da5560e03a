"""
Registering suites and changing them.

Whoever keeps a suite's credentials notices a change by its version; the previous value of a changed
secret goes on working for a while, so that ours and DingTalk's need not change in the same second.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Callable, Mapping
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
from dingtalk.foundation.encrypted_fields import encrypted_fields_of
from dingtalk.models import Activation, CorpTokenMethod, PushMode, Suite
from dingtalk.protocol.crypto import decode_aes_key

SECRET_FIELDS = ("suite_secret", "callback_token", "encoding_aes_key")
PLAIN_FIELDS = ("name", "suite_id", "suite_key", "push_mode", "activation", "corp_token_method")
PREVIOUS_SECRET_LIFETIME = timedelta(hours=48)

# Both lengths that the platform's pages give are accepted; what we make is within either.
_CALLBACK_TOKEN = re.compile(r"[A-Za-z0-9]{3,63}")
_GENERATED_TOKEN_LENGTH = 32
_ENCODING_AES_KEY_LENGTH = 43
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_FINGERPRINT_LENGTH = 8

_SUITE_ID = re.compile(r"[\w.-]{0,64}", re.ASCII)
# It stands in URLs of the API as one segment.
_SUITE_KEY = re.compile(r"[!-.0-~]{1,128}")
_SUITE_SECRET = re.compile(r"[!-~]{1,512}")


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
    push_mode: str = PushMode.SYNC_HTTP,
    activation: str = Activation.AUTO,
    corp_token_method: str = CorpTokenMethod.V1,
) -> Suite:
    """
    Store a new suite; its callback URL is `callback_url(suite)`.

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
            "push_mode": push_mode,
            "activation": activation,
            "corp_token_method": corp_token_method,
        }
    )
    try:
        with transaction.atomic():
            suite = Suite.objects.create(**values)
            details = {name: str(values[name]) for name in PLAIN_FIELDS}
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


def checked_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return values of suite fields without space around them; raises ValidationError by field name."""
    cleaned = {name: str(value).strip() for name, value in values.items()}
    errors: dict[str, Any] = {}
    for name, value in cleaned.items():
        is_valid, message = _RULES[name]
        if not is_valid(value):
            errors[name] = ValidationError(message, code="invalid")
    if errors:
        raise ValidationError(errors)
    return cleaned


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
        else:
            columns[name] = value
    Suite.objects.filter(pk=suite.pk).update(version=F("version") + 1, updated_at=now, **columns)
    transaction.on_commit(lambda: credentials.invalidate(suite.path_slug))


def _rotated_columns(
    suite: Suite, name: str, value: str, *, now: datetime, keep_previous: bool
) -> dict[str, Any]:
    fields = {field.name: field for field in encrypted_fields_of(Suite)}
    previous = f"{name}_previous"
    return {
        name: fields[name].encrypt_for(suite.pk, value),
        previous: fields[previous].encrypt_for(suite.pk, getattr(suite, name)) if keep_previous else None,
        f"{previous}_until": now + PREVIOUS_SECRET_LIFETIME if keep_previous else None,
    }


def _record_changes(
    suite: Suite, changed: Mapping[str, str], *, actor: Actor, now: datetime, keep_previous: bool
) -> None:
    details: dict[str, Any] = {
        name: {"from": str(getattr(suite, name)), "to": value}
        for name, value in changed.items()
        if name not in SECRET_FIELDS
    }
    replaced = [name for name in SECRET_FIELDS if name in changed]
    if replaced:
        details |= {"replaced": replaced, "previous_kept": keep_previous}
    audit.record(action="suite.change", actor=actor, target=suite, details=details, now=now)


def _key_taken() -> ValidationError:
    message = _("A suite with this suite key is registered already.")
    return ValidationError({"suite_key": ValidationError(message, code="unique")})


def _is_name(value: str) -> bool:
    return 1 <= len(value) <= 100 and value.isprintable()


def _is_encoding_aes_key(value: str) -> bool:
    try:
        decode_aes_key(value)
    except ValueError:
        return False
    return True


_NOT_A_CHOICE = _("Not one of the choices.")
# What makes a value of each field right, and what is said of one that is not.
_RULES: dict[str, tuple[Callable[[str], Any], Any]] = {
    "name": (_is_name, _("1 to 100 printable characters.")),
    "suite_id": (_SUITE_ID.fullmatch, _("At most 64 letters and digits, or nothing.")),
    "suite_key": (_SUITE_KEY.fullmatch, _("1 to 128 visible ASCII characters, without a slash.")),
    "suite_secret": (_SUITE_SECRET.fullmatch, _("1 to 512 visible ASCII characters.")),
    "callback_token": (_CALLBACK_TOKEN.fullmatch, _("3 to 63 letters and digits.")),
    "encoding_aes_key": (_is_encoding_aes_key, _("Exactly 43 letters and digits.")),
    "push_mode": (PushMode.values.__contains__, _NOT_A_CHOICE),
    "activation": (Activation.values.__contains__, _NOT_A_CHOICE),
    "corp_token_method": (CorpTokenMethod.values.__contains__, _NOT_A_CHOICE),
}
