"""
What the fields of a suite may hold, and how typed text becomes what is stored.

Every value arrives as text, from a form or a file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from dingtalk.models import Activation, CorpTokenMethod, Generation, PushMode, SuiteKind
from dingtalk.protocol.crypto import decode_aes_key

# Each of these has a previous value that works for a while after a change.
SECRET_FIELDS = ("suite_secret", "callback_token", "encoding_aes_key")
# What else is write-only, and may be missing.
OPTIONAL_SECRET_FIELDS = ("sso_secret",)
CHOICES: dict[str, type[TextChoices]] = {
    "push_mode": PushMode,
    "kind": SuiteKind,
    "activation": Activation,
    "corp_token_method": CorpTokenMethod,
    "suite_token_method": Generation,
    "jsapi_ticket_method": Generation,
}
PLAIN_FIELDS = (
    "name",
    "suite_id",
    "suite_key",
    *CHOICES,
    "js_domains",
    "freshness_window_seconds",
    "isv_corp_id",
)

# Both lengths that the platform's pages give are accepted; what we make is within either.
_CALLBACK_TOKEN = re.compile(r"[A-Za-z0-9]{3,63}")
_SUITE_ID = re.compile(r"[\w.-]{0,64}", re.ASCII)
# It stands in URLs of the API as one segment.
_SUITE_KEY = re.compile(r"[!-.0-~]{1,128}")
_SUITE_SECRET = re.compile(r"[!-~]{1,512}")
_CORP_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")
_DOMAIN = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_DOMAIN = 253
_MOST_DOMAINS = 50
# Retries of the platform come up to 40 seconds later, and clocks differ.
_SHORTEST_WINDOW_SECONDS = 60
_LONGEST_WINDOW_SECONDS = 7 * 24 * 3_600


@dataclass(frozen=True)
class _Rule:
    """What makes a text right, what is said of one that is not, and what is stored for it."""

    is_valid: Callable[[str], Any]
    message: Any
    read: Callable[[str], Any] = str


def checked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to store for texts typed for suite fields; raises ValidationError by field name."""
    texts = {name: "" if value is None else str(value).strip() for name, value in values.items()}
    errors: dict[str, Any] = {
        name: ValidationError(_RULES[name].message, code="invalid")
        for name, text in texts.items()
        if not _RULES[name].is_valid(text)
    }
    if errors:
        raise ValidationError(errors)
    return {name: _RULES[name].read(text) for name, text in texts.items()}


def _is_name(value: str) -> bool:
    return 1 <= len(value) <= 100 and value.isprintable()


def _is_encoding_aes_key(value: str) -> bool:
    try:
        decode_aes_key(value)
    except ValueError:
        return False
    return True


def _domains(value: str) -> list[str]:
    return list(dict.fromkeys(value.lower().split()))


def _are_domains(value: str) -> bool:
    domains = _domains(value)
    return len(domains) <= _MOST_DOMAINS and all(
        len(domain) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(domain) for domain in domains
    )


def _is_window(value: str) -> bool:
    if not value:
        return True
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(_LONGEST_WINDOW_SECONDS))):
        return False
    return _SHORTEST_WINDOW_SECONDS <= int(value) <= _LONGEST_WINDOW_SECONDS


_NOT_A_CHOICE = _("Not one of the choices.")
_RULES: dict[str, _Rule] = {
    "name": _Rule(_is_name, _("1 to 100 printable characters.")),
    "suite_id": _Rule(_SUITE_ID.fullmatch, _("At most 64 letters and digits, or nothing.")),
    "suite_key": _Rule(_SUITE_KEY.fullmatch, _("1 to 128 visible ASCII characters, without a slash.")),
    "suite_secret": _Rule(_SUITE_SECRET.fullmatch, _("1 to 512 visible ASCII characters.")),
    "sso_secret": _Rule(_SUITE_SECRET.fullmatch, _("1 to 512 visible ASCII characters.")),
    "callback_token": _Rule(_CALLBACK_TOKEN.fullmatch, _("3 to 63 letters and digits.")),
    "encoding_aes_key": _Rule(_is_encoding_aes_key, _("Exactly 43 letters and digits.")),
    "js_domains": _Rule(
        _are_domains,
        _("Host names, one a line, without scheme, port or path; *.example.com stands for all below it."),
        read=lambda value: "\n".join(_domains(value)),
    ),
    "freshness_window_seconds": _Rule(
        _is_window,
        _("A number of seconds from 60 to 604800, or nothing."),
        read=lambda value: int(value) if value else None,
    ),
    "isv_corp_id": _Rule(_CORP_ID.fullmatch, _("At most 64 letters and digits, or nothing.")),
    **{name: _Rule(choices.values.__contains__, _NOT_A_CHOICE) for name, choices in CHOICES.items()},
}
