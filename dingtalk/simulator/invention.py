"""Values that the platform would invent: keys, secrets, codes, tickets, tokens and ids."""

import secrets
import string
import uuid

_ALPHANUMERIC = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits


def alphanumeric(length: int) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def lower(length: int) -> str:
    """Random lower-case letters and digits."""
    return "".join(secrets.choice(_LOWER) for _ in range(length))


def number(digits: int) -> int:
    """A random number of exactly `digits` digits."""
    smallest = int("1".ljust(digits, "0"))
    return smallest + secrets.randbelow(9 * smallest)


def corp_id() -> str:
    """A corp id as the platform makes them: `ding` and 32 hex digits."""
    return f"ding{secrets.token_hex(16)}"


def request_id() -> str:
    """The id that every answer of the platform carries."""
    return uuid.uuid4().hex[:16]


def new_style_request_id() -> str:
    """A request id of the v1.0 family: an upper-case UUID."""
    return str(uuid.uuid4()).upper()


def uuid_text() -> str:
    """The id of an event or of a connection's ticket."""
    return str(uuid.uuid4())


def sync_sequence() -> str:
    """The opaque upper-case hex number of a synchronisation row."""
    return secrets.token_hex(16).upper()
