"""A place in the feed as text. It holds no secret and opens nothing: each page is filtered by the key."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

_PREFIX = "feed:"
_LARGEST_POSITION = 2**63 - 1
_MAX_LENGTH = 40


class DamagedCursor(ValueError):
    """The text is not a cursor that we made."""


def write_cursor(position: int) -> str:
    """Return the cursor of the place right after a position."""
    return urlsafe_b64encode(f"{_PREFIX}{position}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> int:
    """Return the position after which the cursor stands; raises DamagedCursor for what we did not write."""
    try:
        padded = text[:_MAX_LENGTH] + "=" * (-len(text[:_MAX_LENGTH]) % 4)
        digits = urlsafe_b64decode(padded.encode("ascii")).decode("ascii").removeprefix(_PREFIX)
        position = int(digits)
    except ValueError as error:
        raise DamagedCursor from error
    if not 0 <= position <= _LARGEST_POSITION or write_cursor(position) != text:
        raise DamagedCursor
    return position
