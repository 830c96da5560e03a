"""The dispatcher process."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dingtalk.dispatcher import Dispatcher
from dingtalk.foundation.processes import stop_when_told
from dingtalk.models import ProcessKind
from dingtalk.watchdog import watch


class Command(BaseCommand):
    """Find what there is to do and see that it is done, until SIGTERM or Ctrl-C."""

    help = str(_("Split received pushes and hand out due work. Any number may run; none needs a broker."))

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--once", action="store_true", help=str(_("take one turn, finish its work, and end"))
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run until told to stop."""
        if options["once"]:
            dispatcher = Dispatcher()
            dispatcher.run_once()
            dispatcher.close(drop_waiting=False)
            return
        stop = stop_when_told()
        watchdog = watch(ProcessKind.DISPATCHER, stop=stop)
        Dispatcher(note_progress=watchdog.note_progress).run(stop)
