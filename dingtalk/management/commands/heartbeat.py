"""`manage.py heartbeat`: the health check of a process that answers no HTTP."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from dingtalk.heartbeat_files import SILENT_SECONDS, newest_file_seconds
from dingtalk.models import ProcessKind


class Command(BaseCommand):
    """Say whether a process on this machine (in this container) is well; status 1 when it is not."""

    help = "Say whether a background process on this machine is at work. Status 1 when it is not."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the kind of process."""
        parser.add_argument("kind", choices=ProcessKind.values, help="which process")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look at its file."""
        seconds = newest_file_seconds(settings.DATA_DIR, options["kind"])
        if seconds is None:
            raise CommandError(_("No %s was seen on this machine.") % options["kind"])
        if seconds > SILENT_SECONDS:
            raise CommandError(
                _("No sign of life of the %(kind)s for %(seconds)d s.")
                % {"kind": options["kind"], "seconds": seconds}
            )
        self.stdout.write("ok")
