"""Single fields of DingTalk's messages, whose types vary from page to page and from push to push."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MAX_INT64 = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NUMERIC = re.compile(r"-?[0-9]{1,19}", re.ASCII)
# Milliseconds of 1973 are seconds of 5138: no platform time is on the wrong side.
_FIRST_MILLISECONDS = 100_000_000_000
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def clean_text(value: object, max_length: int) -> str:
    """
    Return what a text column can hold: no NUL, no lone surrogate, at most `max_length` characters.

    Numbers become text; anything else that is no text becomes empty.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) <= MAX_INT64 else ""
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub("", value)[:max_length]


def read_identifier(value: object, max_length: int) -> str | None:
    """
    Return an identifier as text, empty for a missing one, or None for what cannot be one.

    Never mended: cutting or cleaning an id could make it that of another company.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if clean_text(text, max_length) == text else None


def read_int(value: object, *, largest: int = MAX_INT64) -> int | None:
    """Return a whole number given as number or text, or None; its size is at most `largest`."""
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= largest else None


def read_bool(value: object) -> bool | None:
    """Return a truth value given as such, as "true" or "false" or as 0 or 1; None for anything else."""
    if isinstance(value, str):
        value = {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower())
    if isinstance(value, bool):
        return value
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def read_time(value: object) -> datetime | None:
    """
    Return an aware UTC time from Unix seconds or milliseconds, as number or text.

    None for what is no time of this century after 2010: samples print numbers like 123456.
    """
    number = read_int(value)
    if number is None or number < 0:
        return None
    milliseconds = number if number >= _FIRST_MILLISECONDS else number * 1000
    seconds, rest = divmod(milliseconds, 1000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
    except (OverflowError, OSError, ValueError):
        return None
    return moment if _EARLIEST <= moment <= _LATEST else None


def first_of(members: Mapping[str, Any], *names: str) -> Any:
    """Return the first member that is there and not null, of several spellings; else None."""
    return next((members[name] for name in names if members.get(name) is not None), None)


def first_text(members: Mapping[str, Any], *names: str) -> str:
    """Return the first non-empty text of several spellings; else an empty one."""
    found = (members.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")
