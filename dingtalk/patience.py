"""
Database statements that give up early.

DingTalk waits 1,200 ms for an acknowledgement, and an answer that comes later is worth nothing. Whatever
holds a statement up longer than this, it fails, and DingTalk sends again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

STATEMENT_MILLISECONDS = 800
LOCK_MILLISECONDS = 300

# In front of the statement itself, in the same message to the server: no round trip of its own.
_POSTGRESQL_LIMITS = (
    f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}; SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"
)


def execute_impatiently(sql: str, params: Sequence[Any]) -> int:
    """Execute one statement in one round trip; return the number of its rows."""
    on_postgresql = connection.vendor == "postgresql"
    with _short_wait_on_sqlite(), connection.cursor() as cursor:
        cursor.execute(f"{_POSTGRESQL_LIMITS}; {sql}" if on_postgresql else sql, params)
        while on_postgresql and cursor.nextset():
            pass
        return int(cursor.rowcount)


@contextmanager
def impatient_transaction() -> Iterator[None]:
    """Open a transaction whose statements give up early."""
    with _short_wait_on_sqlite(), transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(_POSTGRESQL_LIMITS)
        yield


@contextmanager
def _short_wait_on_sqlite() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    usual_seconds = connection.settings_dict["OPTIONS"].get("timeout", 5)
    connection.connection.execute(f"PRAGMA busy_timeout = {STATEMENT_MILLISECONDS}")
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.execute(f"PRAGMA busy_timeout = {int(usual_seconds * 1000)}")
