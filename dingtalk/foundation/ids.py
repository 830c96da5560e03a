"""Identifiers for rows."""

import hashlib
import uuid
from datetime import datetime

from uuid_utils import compat

# What of a row's id makes room for the number of a part, and for bits that no other part has.
_END_BITS, _DIGEST_BITS, _LARGEST_NUMBER = 32, 16, 0xFFFF


def new_id() -> uuid.UUID:
    """
    Return a new time-ordered UUID (version 7).

    Made before the row is stored, so that the row's encrypted values can be bound to it,
    and ordered by time, so that new rows go to the end of the index.
    """
    return compat.uuid7()


def part_id(whole: uuid.UUID, number: int) -> uuid.UUID:
    """
    Return the id (UUID version 8) of the `number`th part of a row with an id of ours: always the same one.

    Ordered as its row is among others, then by `number`; parts from 65,535 on in no order.
    """
    digest = hashlib.sha256(whole.bytes + number.to_bytes(8, "big")).digest()
    end = (
        min(number, _LARGEST_NUMBER) << _DIGEST_BITS | int.from_bytes(digest[:4], "big") >> 32 - _DIGEST_BITS
    )
    begin = whole.int >> _END_BITS << _END_BITS
    return uuid.UUID(int=begin & ~(0xF << 76) | 0x8 << 76 | end)


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
