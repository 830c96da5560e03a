"""The tables that the variants of the callback scenario insert into, all of one shape."""

import psycopg

from tests.bench.measurement import InvalidRun

PORTAL_TABLE = "dingtalk_receivedpush"
FLOOR_TABLE = "floor_push"
PGBENCH_TABLE = "pgbench_push"


class Tables:
    """The tables of one database; those of the twins are made here."""

    def __init__(self, database: psycopg.Connection) -> None:
        self._database = database
        for table in (FLOOR_TABLE, PGBENCH_TABLE):
            self._database.execute(f"CREATE TABLE IF NOT EXISTS {table} (LIKE {PORTAL_TABLE} INCLUDING ALL)")

    def empty(self) -> None:
        """Empty all of them and write the database's buffers, so that each run begins alike."""
        self._database.execute(f"TRUNCATE {FLOOR_TABLE}, {PGBENCH_TABLE}, {PORTAL_TABLE} CASCADE")
        self._database.execute("CHECKPOINT")

    def require_rows(self, table: str, acknowledged: int) -> None:
        """Raise InvalidRun unless exactly the acknowledged rows are stored."""
        row = self._database.execute(f"SELECT count(*) FROM {table}").fetchone()
        stored = row[0] if row else 0
        if stored != acknowledged:
            raise InvalidRun(f"{acknowledged} were acknowledged, {stored} are stored in {table}")

    def bytes_of_body(self, table: str) -> int:
        """Return how long the stored bodies are."""
        row = self._database.execute(f"SELECT max(octet_length(body)) FROM {table}").fetchone()
        return int(row[0]) if row else 0

    def setting(self, name: str) -> str:
        """Return a setting of the server."""
        row = self._database.execute("SELECT current_setting(%s)", [name]).fetchone()
        return str(row[0]) if row else ""
