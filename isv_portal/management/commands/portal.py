"""`manage.py portal`: the whole portal on this machine, in one command."""

import errno
import fcntl
import os
import socket
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.translation import gettext as _

from isv_portal.processes import portal_processes
from isv_portal.stream_wish import StreamWish
from isv_portal.supervisor import Supervisor

HIGHEST_PORT = 65_535


class Command(BaseCommand):
    """
    Bring the tables up to date, then run web, worker, dispatcher and beat, and start again what ends.

    The processes of Stream and RDS mode run where they are wanted.

    Ends on SIGTERM or Ctrl-C, when all of them have ended.
    """

    help = "Run the whole portal on this machine: web, worker, dispatcher and beat, watched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address to listen on."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--no-migrate", action="store_true", help="do not bring the tables up to date")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run until told to end."""
        host, port = options["host"], options["port"]
        with only_portal_of(settings.DATA_DIR):
            refuse_taken_port(host, port)
            if not options["no_migrate"]:
                call_command("migrate", interactive=False, verbosity=0)
                connections.close_all()
            self._report(f"listening on http://{host}:{port} soon")
            Supervisor(self._processes(host, port), report=self._report).run()
            self._report("ended")

    def _processes(self, host: str, port: int) -> Any:
        return portal_processes(
            host=host,
            port=port,
            data_dir=settings.DATA_DIR,
            web_processes=settings.WEB_PROCESSES,
            web_threads=settings.WEB_THREADS,
            worker_threads=settings.WORKER_THREADS,
            reads_push_database=bool(settings.RDS_DATABASE_URL),
            wants_stream=StreamWish(report=self._report),
        )

    def _report(self, line: str) -> None:
        self.stdout.write(f"portal: {line}")
        self.stdout.flush()


@contextmanager
def only_portal_of(data_dir: Path) -> Iterator[None]:
    """Hold the data directory; raises CommandError when another portal runs on it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "portal.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError(_("Another portal is running on %s.") % data_dir) from error
        yield


def refuse_taken_port(host: str, port: int) -> None:
    """
    Raise CommandError when the address cannot be listened on.

    The web server would not notice: it shares its port with whoever asks, as its own processes do.
    """
    if not 0 < port <= HIGHEST_PORT:
        raise CommandError(_("%s is not a port.") % port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                message = _("Port %(port)s of %(host)s is taken: end its owner, or choose another by --port.")
                raise CommandError(message % {"port": port, "host": host}) from error
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise CommandError(
                _("Cannot listen on %(host)s:%(port)s: %(reason)s.")
                % {"port": port, "host": host, "reason": reason}
            ) from error
