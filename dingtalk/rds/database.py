"""
The push database itself. Nothing here writes to it, and the session is one that could not.

What the driver raises becomes RdsUnavailable, whose text has no row and no password in it.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dingtalk.foundation.redaction import register_secret
from dingtalk.rds.address import RdsAddress, Tls

CONNECT_TIMEOUT_SECONDS = 5
# A process that is told to end waits for no statement longer than this.
STATEMENT_TIMEOUT_SECONDS = 8
# The platform's column holds 65,535 bytes; of anything larger we read as much as shows that it is too large.
LONGEST_BIZ_DATA = 1_100_000

COLUMNS = (
    *("id", "gmt_create", "gmt_modified", "subscribe_id", "corp_id", "biz_id", "biz_type"),
    *("biz_data", "open_cursor", "status"),
)
_SELECTED = ", ".join(
    f"LEFT(biz_data, {LONGEST_BIZ_DATA}) AS biz_data" if name == "biz_data" else f"`{name}`"
    for name in COLUMNS
)

Row = dict[str, Any]


class RdsUnavailable(Exception):
    """The push database could not be asked."""


class DriverMissing(Exception):
    """PyMySQL is not installed."""


@dataclass(frozen=True, slots=True)
class RowRef:
    """Which row, and in which state: a row that is written again in place has another time."""

    id: int
    modified: Any


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The largest id in a table, 0 when it is empty, and a text that changes when it is made anew."""

    last_id: int
    version: str


class PushDatabase:
    """One connection, opened when it is needed and again after a failure. For one thread."""

    def __init__(self, address: RdsAddress, *, tls: Tls = Tls.PREFERRED, ca_file: str = "") -> None:
        """Raises DriverMissing."""
        register_secret(address.password)
        self.address = address
        self._tls = tls
        self._ca_file = ca_file
        self._driver = _load_driver()
        self._connection: Any = None

    def facts(self, table: str) -> TableFacts:
        """Look at a table as a whole. Names in the statements are ours, values are passed apart."""
        largest = self._select(f"SELECT COALESCE(MAX(id), 0) AS last_id FROM `{table}`", [])  # noqa: S608
        made = self._select(
            "SELECT create_time AS version FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        )
        version = str(made[0]["version"] or "") if made else ""
        return TableFacts(last_id=int(largest[0]["last_id"]), version=version)

    def rows_after(self, table: str, row_id: int, *, limit: int) -> list[Row]:
        """Return the rows with the next ids, in their order."""
        return self._select(
            f"SELECT {_SELECTED} FROM `{table}` WHERE id > %s ORDER BY id LIMIT {limit:d}",  # noqa: S608
            [row_id],
        )

    def rows_by_id(self, table: str, ids: Sequence[int]) -> list[Row]:
        """Return those of the rows that are still there."""
        places = ", ".join(["%s"] * len(ids))
        return self._select(
            f"SELECT {_SELECTED} FROM `{table}` WHERE id IN ({places}) ORDER BY id",  # noqa: S608
            ids,
        )

    def refs_up_to(self, table: str, row_id: int, *, limit: int) -> list[RowRef]:
        """Return which rows there are at the end of what was read, by id."""
        found = self._select(
            f"SELECT id, gmt_modified FROM `{table}` WHERE id <= %s ORDER BY id DESC LIMIT {limit:d}",  # noqa: S608
            [row_id],
        )
        return [RowRef(int(row["id"]), row["gmt_modified"]) for row in found]

    def refs_modified_since(self, table: str, moment: datetime, *, limit: int) -> list[RowRef]:
        """
        Return which rows were modified at or after a time of the database's own zone, the latest first.

        Reads the table as a whole, since nothing indexes this column: ask seldom.
        """
        found = self._select(
            f"SELECT id, gmt_modified FROM `{table}` WHERE gmt_modified >= %s "  # noqa: S608
            f"ORDER BY gmt_modified DESC LIMIT {limit:d}",
            [moment],
        )
        return [RowRef(int(row["id"]), row["gmt_modified"]) for row in found]

    def close(self) -> None:
        """Let go of the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Says goodbye only if that cannot wait.
            connection._force_close()

    def _select(self, statement: str, values: Sequence[Any]) -> list[Row]:
        failures = (self._driver.MySQLError, OSError, ValueError)
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(values))
                return list(cursor.fetchall())
        except failures as error:
            self.close()
            raise RdsUnavailable(self._explain(error)) from error

    def _connect(self) -> Any:
        return self._driver.connect(
            host=self.address.host,
            port=self.address.port,
            user=self.address.user,
            password=self.address.password,
            database=self.address.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=STATEMENT_TIMEOUT_SECONDS,
            write_timeout=STATEMENT_TIMEOUT_SECONDS,
            init_command="SET SESSION TRANSACTION READ ONLY",
            cursorclass=self._driver.cursors.DictCursor,
            **self._tls_options(),
        )

    def _tls_options(self) -> dict[str, Any]:
        """Without an option of its own the driver encrypts if the server can."""
        if self._tls is Tls.OFF:
            return {"ssl_disabled": True}
        if self._tls is Tls.PREFERRED:
            return {}
        context = ssl.create_default_context(cafile=self._ca_file or None)
        if self._tls is Tls.REQUIRED:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return {"ssl": context}

    def _explain(self, error: Exception) -> str:
        """The driver's number and words; a server's refusal names user and host, never the password."""
        words = " ".join(str(part) for part in error.args) or type(error).__name__
        shown = words.replace(self.address.password, "***") if self.address.password else words
        return f"{self.address}: {shown}"[:400]


def _load_driver() -> Any:
    try:
        import pymysql
        import pymysql.cursors
    except ModuleNotFoundError as error:
        raise DriverMissing from error
    return pymysql
