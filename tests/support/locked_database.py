"""The database held up by somebody else, for real."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from django.db import connection


@dataclass
class Watch:
    """How long the block took; 0 while it runs."""

    seconds: float = 0.0


@contextmanager
def held_up() -> Iterator[Watch]:
    """Keep everybody else from writing pushes and suites as long as the block runs."""
    watch = Watch()
    blocker = _lock_postgresql() if connection.vendor == "postgresql" else _lock_sqlite()
    try:
        started = time.monotonic()
        yield watch
        watch.seconds = time.monotonic() - started
    finally:
        blocker.rollback()
        blocker.close()


def _lock_sqlite() -> sqlite3.Connection:
    blocker = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    return blocker


def _lock_postgresql() -> psycopg.Connection:
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name in {"dbname", "user", "password", "host", "port"}
    }
    blocker = psycopg.connect(**parameters)
    blocker.execute("LOCK TABLE dingtalk_receivedpush, dingtalk_suite IN EXCLUSIVE MODE")
    return blocker
