"""Identifiers for rows."""

import uuid

from uuid_utils import compat


def new_id() -> uuid.UUID:
    """
    Return a new time-ordered UUID (version 7).

    Made before the row is stored, so that the row's encrypted values can be bound to it,
    and ordered by time, so that new rows go to the end of the index.
    """
    return compat.uuid7()
