"""Identifiers for rows."""

import uuid
from datetime import datetime

from uuid_utils import compat


def new_id() -> uuid.UUID:
    """
    Return a new time-ordered UUID (version 7).

    Made before the row is stored, so that the row's encrypted values can be bound to it,
    and ordered by time, so that new rows go to the end of the index.
    """
    return compat.uuid7()


def is_id(text: str) -> bool:
    """Whether a text is an id as we show them."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def first_id_of(moment: datetime) -> uuid.UUID:
    """Return the smallest id that can have been made at that time: those before it are older."""
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)
