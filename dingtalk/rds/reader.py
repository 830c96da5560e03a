"""The process that reads the push tables, until it is told to stop."""

import logging
from random import SystemRandom
from threading import Event
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from dingtalk.rds.address import Tls, read_address
from dingtalk.rds.database import PushDatabase, RdsUnavailable
from dingtalk.rds.rows import PUSH_TABLES
from dingtalk.rds.table_reader import TableReader

POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

logger = logging.getLogger(__name__)
_random = SystemRandom()


class RdsReader:
    """Takes turns at both tables. Any number of these may run; one at a time reads a table."""

    def __init__(self, database: PushDatabase, *, zone: ZoneInfo) -> None:
        self._database = database
        self._tables = [TableReader(database, table, zone=zone) for table in PUSH_TABLES]
        self._is_failing = False

    def run(self, stop: Event) -> None:
        """Read until `stop` is set. Nothing that fails ends it: it tries again after growing pauses."""
        logger.info("rds_started", extra={"database": str(self._database.address)})
        pause = POLL_SECONDS
        try:
            while not stop.is_set():
                is_busy = self.run_once()
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if self._is_failing else POLL_SECONDS
                if not is_busy:
                    stop.wait(pause * _random.uniform(0.8, 1.0))
        finally:
            self.close()
        logger.info("rds_stopped")

    def run_once(self) -> bool:
        """Take one turn at each table; return whether there may be more at once."""
        try:
            is_busy = [table.turn() for table in self._tables]
        except (RdsUnavailable, DatabaseError) as error:
            self._failed(error)
            return False
        if self._is_failing:
            self._is_failing = False
            logger.info("rds_recovered")
        return any(is_busy)

    @property
    def is_failing(self) -> bool:
        """Whether the last turn failed."""
        return self._is_failing

    def close(self) -> None:
        """Let others read, and let go of the push database."""
        try:
            for table in self._tables:
                table.release()
        except DatabaseError:
            # The lease ends by itself.
            logger.warning("rds_lease_not_released", exc_info=True)
        self._database.close()

    def _failed(self, error: Exception) -> None:
        """Report a failure when it begins, and keep it where an operator looks."""
        if not self._is_failing:
            logger.exception("rds_failing")
        self._is_failing = True
        if not isinstance(error, RdsUnavailable):
            connection.close()
            return
        try:
            for table in self._tables:
                table.note_failure(str(error))
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
