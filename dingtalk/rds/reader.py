"""The process that reads the push tables, until it is told to stop."""

import logging
from collections.abc import Callable
from random import SystemRandom
from threading import Event
from time import monotonic
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from dingtalk.rds.address import Tls, read_address
from dingtalk.rds.database import PushDatabase, RdsUnavailable
from dingtalk.rds.rows import PUSH_TABLES
from dingtalk.rds.table_reader import TableReader

POLL_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0

logger = logging.getLogger(__name__)
_random = SystemRandom()


class RdsReader:
    """
    Takes turns at both tables. Any number of these may run; one at a time reads a table.

    A table that cannot be read pauses ever longer, and does not keep the other one waiting.
    """

    def __init__(self, database: PushDatabase, *, zone: ZoneInfo) -> None:
        self._database = database
        self._tables = [_PatientTable(TableReader(database, table, zone=zone)) for table in PUSH_TABLES]

    def run(self, stop: Event, *, note_progress: Callable[[], None] = lambda: None) -> None:
        """Read until `stop` is set. Nothing that fails ends it. `note_progress`: called after each turn."""
        logger.info("rds_started", extra={"database": str(self._database.address)})
        try:
            while not stop.is_set():
                is_busy = self.run_once(now=monotonic())
                note_progress()
                if not is_busy:
                    stop.wait(POLL_SECONDS * _random.uniform(0.8, 1.0))
        finally:
            self.close()
        logger.info("rds_stopped")

    def run_once(self, *, now: float | None = None) -> bool:
        """
        Take one turn at each table; return whether there may be more at once.

        `now`: monotonic seconds, for which tables that failed may still have to pause; None: all are read.
        """
        is_busy = [table.turn(now=now) for table in self._tables]
        return any(is_busy)

    @property
    def is_failing(self) -> bool:
        """Whether the last turn at one of the tables failed."""
        return any(table.pause_seconds for table in self._tables)

    def close(self) -> None:
        """Let others read, and let go of the push database."""
        try:
            for table in self._tables:
                table.reader.release()
        except DatabaseError:
            # The lease ends by itself.
            logger.warning("rds_lease_not_released", exc_info=True)
        self._database.close()


class _PatientTable:
    """A table's reader, and how long it pauses after it failed."""

    def __init__(self, reader: TableReader) -> None:
        self.reader = reader
        self.pause_seconds = 0.0
        self._not_before = 0.0

    def turn(self, *, now: float | None) -> bool:
        """Read what is new unless it has to pause; return whether there may be more at once."""
        if now is not None and now < self._not_before:
            return False
        try:
            is_busy = self.reader.turn()
        except (RdsUnavailable, DatabaseError) as error:
            self._failed(error)
            return False
        if self.pause_seconds:
            self.pause_seconds = 0.0
            logger.info("rds_recovered", extra={"table": self.reader.table_name})
        return is_busy

    def _failed(self, error: Exception) -> None:
        """Report a failure when it begins, and keep it where an operator looks."""
        if not self.pause_seconds:
            logger.exception("rds_failing", extra={"table": self.reader.table_name})
        self.pause_seconds = min(2 * self.pause_seconds or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._not_before = monotonic() + self.pause_seconds
        try:
            if isinstance(error, RdsUnavailable):
                self.reader.note_failure(str(error))
            else:
                connection.close()
        except DatabaseError:
            connection.close()


def configured_reader() -> RdsReader:
    """Return a reader of RDS_DATABASE_URL; raises DriverMissing, AddressError."""
    database = PushDatabase(
        read_address(settings.RDS_DATABASE_URL),
        tls=Tls(settings.RDS_TLS),
        ca_file=settings.RDS_CA_FILE,
    )
    return RdsReader(database, zone=ZoneInfo(settings.RDS_TIME_ZONE))
