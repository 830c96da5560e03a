"""`manage.py simulator`: DingTalk's side of the conversation, for development and tests."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

_PACKAGES = frozenset({"starlette", "uvicorn", "h11", "anyio", "pymysql"})


class Command(BaseCommand):
    """Run the simulator in the foreground until it is told to end."""

    help = "Run a simulator of DingTalk's server API and event pushes. For development and tests only."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where it listens and in what it differs from the platform."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=9000, help="port; 0 picks a free one (9000)")
        parser.add_argument("--seed", type=Path, help="JSON file that names suites, companies and codes")
        parser.add_argument("--state-out", type=Path, help="JSON file that is kept at the current state")
        parser.add_argument(
            "--retry-delays", default="10,30", help="seconds between the deliveries of a failed event (10,30)"
        )
        parser.add_argument("--deadline-ms", type=int, default=1200, help="time for a reply (1200)")
        parser.add_argument(
            "--ticket-interval", type=float, default=18_000, help="seconds between tickets; 0: none (18000)"
        )
        parser.add_argument(
            "--ticket-grace", type=float, default=0, help="seconds that a replaced ticket still counts (0)"
        )
        parser.add_argument(
            "--rds-url",
            default="",
            help="MySQL database that the rows of suites in RDS mode are written into",
        )
        parser.add_argument("--token-lifetime", type=int, default=7200, help="seconds (7200)")
        parser.add_argument(
            "--old-token-dies", action="store_true", help="a new corp token ends the one before it"
        )
        parser.add_argument(
            "--push-tickets-at-start", action="store_true", help="push a ticket to every suite at once"
        )
        parser.add_argument(
            "--tmp-auth-code-deliveries", type=int, default=3, help="pushes of one temporary code (3)"
        )

        parser.add_argument(
            "--limits",
            action="store_true",
            help="refuse calls beyond the platform's limits, as far as they are known",
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Start, say what this is, and serve."""
        try:
            from dingtalk.simulator import server
        except ModuleNotFoundError as error:
            if error.name not in _PACKAGES:
                raise
            raise CommandError(
                "The simulator's packages are missing: pip install -r requirements-simulator.txt"
            ) from error
        self._run(server, options)

    def _run(self, server: Any, options: dict[str, Any]) -> None:
        from dingtalk.simulator.limits import CallLimits
        from dingtalk.simulator.seed import read_seed
        from dingtalk.simulator.seed_values import SeedError
        from dingtalk.simulator.state_out import StateFile

        state_out = options["state_out"]
        try:
            simulator = server.Simulator(
                options=_simulator_options(options),
                seed=read_seed(options["seed"]) if options["seed"] else None,
                state_file=StateFile(state_out) if state_out else None,
                rds_url=options["rds_url"],
                limits=CallLimits.of_the_platform() if options["limits"] else None,
            )
            listener = server.Listener(simulator, host=options["host"], port=options["port"])
        except SeedError as error:
            raise CommandError(f"The seed cannot be used: {error}") from error
        except OSError as error:
            raise CommandError(f"Cannot listen on {options['host']}:{options['port']}: {error}") from error
        self.stdout.write("DingTalk simulator, for development and tests only. This is not DingTalk.")
        self.stdout.write(f"Server API: {listener.base_url}/   Controls: {listener.base_url}/_sim/state")
        if state_out:
            self.stdout.write(f"State: {state_out}")
        self.stdout.flush()
        listener.run_in_foreground()


def _simulator_options(options: dict[str, Any]) -> Any:
    from dingtalk.simulator.options import SimulatorOptions

    return SimulatorOptions(
        deadline_ms=options["deadline_ms"],
        retry_delays_seconds=_delays(options["retry_delays"]),
        ticket_interval_seconds=options["ticket_interval"],
        ticket_grace_seconds=options["ticket_grace"],
        push_tickets_at_start=options["push_tickets_at_start"],
        token_lifetime_seconds=options["token_lifetime"],
        old_token_survives=not options["old_token_dies"],
        tmp_auth_code_deliveries=options["tmp_auth_code_deliveries"],
    )


def _delays(text: str) -> tuple[float, ...]:
    try:
        delays = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise CommandError("--retry-delays is numbers of seconds with commas between") from error
    if any(delay < 0 for delay in delays):
        raise CommandError("--retry-delays cannot be negative")
    return delays
