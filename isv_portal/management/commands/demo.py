"""`manage.py demo`: the whole story with a simulated DingTalk, on this machine, in front of the user."""

import importlib.util
import signal
import tempfile
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from isv_portal.demo.screen import Screen, print_where_to_look
from isv_portal.demo.story import Story
from isv_portal.demo.world import DemoFailed, DemoWorld

ADMIN_NAME = "demo"


class Command(BaseCommand):
    """
    Start simulator and portal on a data directory of their own, play the story, and stay up.

    Ends with an error when a step did not come true. Everything that was started ends with it.
    """

    help = "Play the whole story with a simulated DingTalk, then stay up until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the ports, and whether to end after the story."""
        parser.add_argument("--once", action="store_true", help="end after the story")
        parser.add_argument(
            "--port", type=int, default=8000, help="port of the portal (8000, else a free one)"
        )
        parser.add_argument("--simulator-port", type=int, default=9000, help="port of the simulator (9000)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play, and tell by the exit code whether each step came true."""
        if importlib.util.find_spec("starlette") is None:
            raise CommandError(
                "The simulator's packages are missing: pip install -r requirements-simulator.txt"
            )
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
            signal.signal(number, signal.default_int_handler)
        console = Console()
        try:
            with tempfile.TemporaryDirectory(prefix="isv-portal-demo-") as directory:
                self._run(console, Path(directory), options)
        except KeyboardInterrupt:
            console.print("Ended.")
        except DemoFailed as failure:
            raise CommandError(str(failure)) from failure

    def _run(self, console: Console, directory: Path, options: dict[str, Any]) -> None:
        with DemoWorld(directory, port=options["port"], simulator_port=options["simulator_port"]) as world:
            with console.status("Starting portal, worker and simulator …"):
                world.start()
                self._make_login(world)
                story = Story(world)
            if not Screen(console).play(story):
                raise DemoFailed("the story ended early, see the last line of the table")
            print_where_to_look(console, world, story)
            if not options["once"]:
                console.print("Running. Ctrl-C ends everything.")
                threading.Event().wait()

    def _make_login(self, world: DemoWorld) -> None:
        world.manage(
            *("createsuperuser", "--no-input", "--username", ADMIN_NAME, "--email", "demo@example.com"),
            DJANGO_SUPERUSER_PASSWORD=world.admin_password,
        )
