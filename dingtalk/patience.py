"""
Database statements that give up early.

DingTalk waits 1,200 ms for an acknowledgement, and an answer that comes later is worth nothing. Whatever
holds a statement up longer than this, it fails, and DingTalk sends again.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from dingtalk.foundation import prepared
from dingtalk.sqlite_turns import turn_at_writing

STATEMENT_MILLISECONDS = 800
LOCK_MILLISECONDS = 300
_SQLITE_SECONDS = STATEMENT_MILLISECONDS / 1000
# For processes that have nothing else to do than what must be quick: options of each of their connections.
SESSION_LIMITS = f"-c statement_timeout={STATEMENT_MILLISECONDS} -c lock_timeout={LOCK_MILLISECONDS}"

# In front of the statement itself, in the same message to the server: no round trip of its own.
_POSTGRESQL_LIMITS = (
    f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}; SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"
)


def execute_impatiently(sql: str, params: Sequence[str | bytes]) -> int:
    """
    Execute one statement in one round trip; return the number of its rows.

    Where all statements of a PostgreSQL session give up early, it is prepared: parsed and planned once.
    Raises django.db.Error. `params`: as for `prepared.execute`.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql":
        if _has_session_limits(connection):
            return prepared.execute(connection, sql, params)
        return _execute_limited(connection, sql, params)
    with turn_at_writing(connection, seconds=_SQLITE_SECONDS) as turn, connection.cursor() as cursor:
        turn.take(lambda: cursor.execute(sql, params))
        return int(cursor.rowcount)


def _has_session_limits(connection: BaseDatabaseWrapper) -> bool:
    return SESSION_LIMITS in connection.settings_dict["OPTIONS"].get("options", "")


def _execute_limited(connection: BaseDatabaseWrapper, sql: str, params: Sequence[str | bytes]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"{_POSTGRESQL_LIMITS}; {sql}", params)
        while cursor.nextset():
            pass
        return int(cursor.rowcount)


@contextmanager
def impatient_transaction() -> Iterator[None]:
    """Open a transaction whose statements give up early."""
    connection = connections[DEFAULT_DB_ALIAS]
    with ExitStack() as stack:
        begin = partial(stack.enter_context, transaction.atomic())
        if connection.vendor == "sqlite":
            stack.enter_context(turn_at_writing(connection, seconds=_SQLITE_SECONDS)).take(begin)
        else:
            begin()
        if connection.vendor == "postgresql" and not _has_session_limits(connection):
            with connection.cursor() as cursor:
                cursor.execute(_POSTGRESQL_LIMITS)
        yield
