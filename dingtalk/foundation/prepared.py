"""
A statement that the database has planned once, for what is asked many times a second.

Django's own cursor puts the values into the text and has the server parse and plan it each time. Here the
server keeps the plan with the connection; only the values travel. Nothing is tried before it is used: a
connection that was kept and has died fails, and the caller goes on by a way that opens a new one.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection

# psycopg prepares what asks for it only if there is a threshold at all; nothing else is to be prepared.
_ONLY_WHEN_ASKED = 2**31


def fetch_row(sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    """
    Return the first row of a statement, prepared on PostgreSQL; SQLite's driver keeps statements anyway.

    Raises django.db.Error. While Django logs its queries, this one goes by its cursor and is among them.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    connection.ensure_connection()
    kept: psycopg.Connection[tuple[Any, ...]] = connection.connection
    if kept.prepare_threshold is None:
        kept.prepare_threshold = _ONLY_WHEN_ASKED
    with connection.wrap_database_errors, psycopg.Cursor(kept) as prepared:
        # The text is a constant of ours; values are in `params` only.
        return prepared.execute(sql.encode(), params, prepare=True).fetchone()
