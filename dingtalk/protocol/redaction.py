"""Error texts made safe to show: secrets masked by the name before them, one bounded line."""

import re

MASK = "***"
MAX_TEXT_LENGTH = 300
# What is looked at: far more than is shown, and a bound on what a hostile answer costs.
_MAX_SCANNED_LENGTH = 4_000

# The end of a name is enough: `suite_access_token` and `suiteTicket` are told by their last word.
_SECRET_NAMES = (
    r"token",
    r"ticket",
    r"secret",
    r"permanent[_-]?code",
    r"auth[_-]?code",
    r"aes[_-]?key",
    r"signature",
    r"authorization",
)
_NAMED_SECRET = re.compile(
    # A name, then quotes (perhaps escaped), a separator (perhaps URL-quoted), quotes, and the value.
    rf"((?:{'|'.join(_SECRET_NAMES)})[\\\"']{{0,4}}\s{{0,4}}(?:=|:|%3D|%3A)[\s\\\"']{{0,8}}(?:Bearer\s)?)"
    # JSON may escape the slashes of a base64 value.
    r"(?:[^\s\\\"'&,;}\]]|\\/)+",
    re.IGNORECASE,
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def redact_text(text: str) -> str:
    """
    Return the text with the values of secret names masked, without control characters, at most 300 long.

    Knows `name=value`, `name: value`, `"name":"value"` and their escaped and URL-quoted forms, in snake_case
    and camelCase.
    """
    one_line = _UNPRINTABLE.sub(" ", text[:_MAX_SCANNED_LENGTH])
    masked = _NAMED_SECRET.sub(rf"\g<1>{MASK}", one_line).strip()
    if len(masked) > MAX_TEXT_LENGTH:
        return masked[: MAX_TEXT_LENGTH - 1] + "…"
    return masked


def redact_endpoint(endpoint: str) -> str:
    """Return the endpoint without its query, where old calls carry tokens and signatures."""
    return redact_text(endpoint.split("?", 1)[0])
