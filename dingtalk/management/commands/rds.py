"""The process that reads the push tables of RDS mode."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from dingtalk.foundation.processes import stop_when_told
from dingtalk.models import ProcessKind, RdsPosition
from dingtalk.rds.database import DriverMissing
from dingtalk.rds.reader import RdsReader, configured_reader
from dingtalk.watchdog import watch


class Command(BaseCommand):
    """Read the push tables of RDS_DATABASE_URL into the inbox, until SIGTERM or Ctrl-C."""

    help = "Read the rows that DingTalk writes into your MySQL database (RDS mode). Any number may run."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="read what is there, and end")
        parser.add_argument("--status", action="store_true", help="say how far the tables were read, and end")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run until told to stop."""
        if options["status"]:
            self._show_status()
            return
        reader = self._reader()
        if options["once"]:
            self._read_once(reader)
            return
        stop = stop_when_told()
        reader.run(stop, note_progress=watch(ProcessKind.RDS, stop=stop).note_progress)

    def _reader(self) -> RdsReader:
        if not settings.RDS_DATABASE_URL:
            raise CommandError(_("RDS_DATABASE_URL is not set: there is no push database to read."))
        try:
            return configured_reader()
        except DriverMissing as error:
            raise CommandError(
                _("The driver of the push database is missing: pip install -r requirements-rds.txt")
            ) from error

    def _read_once(self, reader: RdsReader) -> None:
        try:
            while reader.run_once():
                pass
            if reader.is_failing:
                raise CommandError(_("The push database could not be read: see the log."))
        finally:
            reader.close()

    def _show_status(self) -> None:
        positions = RdsPosition.objects.all()
        if not positions:
            self.stdout.write(_("No push table has been read yet."))
        for position in positions:
            self.stdout.write(
                f"{position}: id {position.last_id}, {position.last_modified_at or '-'}, "
                f"stored {position.rows_stored}, of others {position.rows_of_others}, "
                f"reader {position.reader or '-'}, error {position.last_error or '-'}"
            )
