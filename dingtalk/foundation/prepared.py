"""
A statement that the database has planned once, for what is asked many times a second.

Django's own cursor puts the values into the text and has the server parse and plan it each time. Here the
server keeps the plan with the connection, and only the values travel. psycopg's cursor could do that too,
but takes four times as long as all the rest to find out what is known here: that all is text, and one row.
Nothing is tried before it is used: a connection that was kept and has died fails, and the caller goes on
by a way that opens a new one.
"""

import hashlib
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

# The statements that each connection has prepared, by their text.
_names: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()


def fetch_row(sql: str, params: Sequence[str]) -> tuple[Any, ...] | None:
    """
    Return the first row of a statement, None when there is none.

    `params`: texts, for the `%s` in the statement. PostgreSQL's values come as text, SQLite's as it has them.
    Raises django.db.Error. While Django logs its queries, this one goes by its cursor and is among them.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return _first_row(connection.connection, sql, params)


def execute(kept: BaseDatabaseWrapper, sql: str, params: Sequence[str | bytes]) -> int:
    """
    Execute a statement on a connection to PostgreSQL; return the number of its rows. Raises django.db.Error.

    `params`: texts, and bytes for a `bytea`. A `%s` that PostgreSQL would take for a text needs a cast.
    """
    if kept.connection is None:
        kept.ensure_connection()
    with kept.wrap_database_errors:
        return _execute(kept.connection, sql, params, ExecStatus.COMMAND_OK).command_tuples or 0


def drop_connection() -> None:
    """Let go of a connection that failed, unless a transaction is on it; the next use opens a new one."""
    kept = connections[DEFAULT_DB_ALIAS]
    if not kept.in_atomic_block:
        kept.close()


def _first_row(kept: psycopg.Connection[Any], sql: str, params: Sequence[str]) -> tuple[Any, ...] | None:
    result = _execute(kept, sql, params, ExecStatus.TUPLES_OK)
    if not result.ntuples:
        return None
    values = (result.get_value(0, column) for column in range(result.nfields))
    return tuple(None if value is None else value.decode() for value in values)


def _execute(
    kept: psycopg.Connection[Any], sql: str, params: Sequence[str | bytes], wanted: ExecStatus
) -> PGresult:
    name = _names.setdefault(kept, {}).get(sql) or _prepare(kept, sql)
    result = kept.pgconn.exec_prepared(
        name,
        [param if isinstance(param, bytes) else param.encode() for param in params],
        [Format.BINARY if isinstance(param, bytes) else Format.TEXT for param in params],
    )
    if result.status != wanted:
        raise psycopg.errors.error_from_result(result)
    return result


def _prepare(kept: psycopg.Connection[Any], sql: str) -> bytes:
    name = b"portal_" + hashlib.sha256(sql.encode()).hexdigest()[:16].encode()
    text, places = "", sql.split("%s")
    for number, part in enumerate(places[:-1], start=1):
        text += f"{part}${number}"
    result = kept.pgconn.prepare(name, (text + places[-1]).encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result)
    _names[kept][sql] = name
    return name
