"""`manage.py stream`: events over Stream connections."""

import asyncio
import json
import signal
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from dingtalk.models import ProcessKind
from dingtalk.stream.extra import INSTALL_COMMAND, is_extra_installed
from dingtalk.stream.status import ConnectionStatus, connection_statuses
from dingtalk.watchdog import watch

_SHORTEST_LEASE_SECONDS, _LONGEST_LEASE_SECONDS = 1.0, 300.0


class Command(BaseCommand):
    """Receive the events of all suites whose push mode is Stream, until SIGTERM or Ctrl-C."""

    help = (
        "Receive events over Stream connections, of all suites that have this push mode. Any number may run: "
        "each suite is connected by one of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--status", action="store_true", help="show how the connections are doing, and end"
        )
        parser.add_argument("--json", action="store_true", help="with --status: as JSON")
        parser.add_argument(
            "--lease-seconds",
            type=float,
            default=15.0,
            help="how long after a crash another process takes over (15)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run until told to stop, or show what is."""
        if options["status"]:
            self._show(as_json=options["json"])
            return
        if not _SHORTEST_LEASE_SECONDS <= options["lease_seconds"] <= _LONGEST_LEASE_SECONDS:
            raise CommandError(_("--lease-seconds is a number from 1 to 300."))
        if not is_extra_installed():
            message = _("The packages of Stream mode are missing: %(command)s")
            raise CommandError(message % {"command": INSTALL_COMMAND})
        asyncio.run(_serve(options["lease_seconds"]))

    def _show(self, *, as_json: bool) -> None:
        statuses = connection_statuses()
        if as_json:
            rows = [asdict(status) for status in statuses]
            self.stdout.write(json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
            return
        if not statuses:
            self.stdout.write(_("No suite has the push mode Stream."))
        for status in statuses:
            self.stdout.write(_line(status))


async def _serve(lease_seconds: float) -> None:
    from dingtalk.stream.service import StreamService

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watchdog = watch(ProcessKind.STREAM)
    await StreamService(lease_seconds=lease_seconds).run(stop, note_progress=watchdog.note_progress)


def _line(status: ConnectionStatus) -> str:
    parts = [f"{status.suite_key}  {status.state}"]
    if status.connected_since:
        parts.append(f"since {status.connected_since:%Y-%m-%d %H:%M:%S} UTC by {status.holder}")
    if status.last_frame_at:
        parts.append(f"last frame {status.last_frame_at:%Y-%m-%d %H:%M:%S} UTC")
    if status.last_error and status.last_error_at:
        parts.append(f"last error {status.last_error_at:%Y-%m-%d %H:%M:%S} UTC: {status.last_error}")
    return "  ".join(parts)
