"""
MariaDB for a test run, started here from the system's packages.

It needs `mariadbd` (Debian: apt-get install mariadb-server). Without it the tests that need it say that
they did not run; with CI set they fail, since nobody reads what a machine says.
"""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pymysql
import pymysql.cursors
import pytest

from tests.support.services import (
    free_port,
    new_folder,
    run,
    spawn,
    unprivileged_user,
    wait_until,
)

MISSING = "MariaDB is not installed (Debian: apt-get install mariadb-server): NOTHING of RDS mode was tested"
_SYSTEM_PROGRAMS = "/usr/sbin:/usr/local/sbin"
PASSWORD = "p@ss/word:of#rds"
PASSWORD_IN_URL = "p%40ss%2Fword%3Aof%23rds"


@cache
def mariadb_port() -> int:
    """Return the port of a MariaDB server on loopback whose user `root` has no password; started once."""
    server = _program("mariadbd")
    install = _program("mariadb-install-db")
    if server is None or install is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return _start(server, install)


@contextlib.contextmanager
def push_database(name: str) -> Iterator[str]:
    """Make an empty database that a user of its own may only read; give the URL of that user."""
    port = mariadb_port()
    user = f"reader_{name}"
    with root(port) as execute:
        execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        execute(f"CREATE USER `{user}`@`127.0.0.1` IDENTIFIED BY '{PASSWORD}'")
        execute(f"GRANT SELECT ON `{name}`.* TO `{user}`@`127.0.0.1`")
    try:
        yield f"mysql://{user}:{PASSWORD_IN_URL}@127.0.0.1:{port}/{name}"
    finally:
        with root(port) as execute:
            execute(f"DROP DATABASE `{name}`")
            execute(f"DROP USER `{user}`@`127.0.0.1`")


@contextlib.contextmanager
def root(port: int, database: str | None = None) -> Iterator[Any]:
    """Give a function that executes statements as the server's administrator, each committed at once."""
    connection = connect(port, database)
    try:
        yield lambda statement, values=(): _execute(connection, statement, values)
    finally:
        connection.close()


def connect(port: int, database: str | None = None, *, autocommit: bool = True) -> Any:
    """Open a connection as the server's administrator."""
    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="root",
        database=database,
        charset="utf8mb4",
        autocommit=autocommit,
        cursorclass=pymysql.cursors.DictCursor,
    )


def writer_url(reader_url: str) -> str:
    """The same database, for one who may write: the platform."""
    parts = urlsplit(reader_url)
    return f"mysql://root@127.0.0.1:{parts.port}{parts.path}"


def _execute(connection: Any, statement: str, values: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PROGRAMS}")


def _start(server: str, install: str) -> int:
    folder, user, port = new_folder("mariadb"), unprivileged_user(), free_port()
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    plain = ["--no-defaults", f"--datadir={data}", f"--tmpdir={folder}"]
    run([install, *plain, "--auth-root-authentication-method=normal", "--skip-test-db"], user)
    options = [
        *plain,
        *("--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 'socket'}"),
        *("--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve"),
        *("--max-connections=50", f"--pid-file={folder / 'pid'}"),
    ]
    process = spawn([server, *options], folder, user=user, stop=signal.SIGTERM)
    wait_until(lambda: _answers(port), process, folder)
    return port


def _answers(port: int) -> bool:
    try:
        connect(port).close()
    except pymysql.MySQLError:
        return False
    return True
