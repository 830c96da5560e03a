"""`python -m tests.bench`: measure, check what was measured, and print it."""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from tests.bench.acknowledging_scenario import measure_acknowledging
from tests.bench.callback_scenario import measure_callback
from tests.bench.client import LoadFailed
from tests.bench.expiry_scenario import measure_expiry
from tests.bench.fairness_scenario import measure_fairness
from tests.bench.goals import run_goals
from tests.bench.hanging_scenario import measure_hanging
from tests.bench.machine import describe_machine
from tests.bench.measurement import InvalidRun, Scenario
from tests.bench.onboarding_scenario import measure_onboarding
from tests.bench.report import as_json, print_report
from tests.bench.scenarios import Effort, Tell
from tests.bench.servers import WEB_PROCESSES, WEB_THREADS, build_stage
from tests.bench.tables import Tables
from tests.bench.token_scenario import measure_token

CALLBACK, TOKEN = "callback", "token"
# Judged by goals of their own, and only when they are asked for: what is measured, and its usual size.
BY_GOALS = {
    "acknowledging": (measure_acknowledging, 4),
    "onboarding": (measure_onboarding, 1_000),
    "expiry": (measure_expiry, 1_000),
    "fairness": (measure_fairness, 10_000),
    "hanging": (measure_hanging, 32),
}
DATABASE_SETTINGS = ("server_version", "fsync", "synchronous_commit")


def main() -> int:
    """Run the bench; 0 when every run of it was valid."""
    options = _options(sys.argv[1:])
    # Told to end, stop what was started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Console(stderr=True)
    if options.only in BY_GOALS:
        measure, size = BY_GOALS[options.only]
        return run_goals(
            measure, size=options.size or size, tell=lambda text: progress.print(text, style="dim")
        )
    try:
        scenarios, circumstances = _measure(options, tell=lambda text: progress.print(text, style="dim"))
    except (InvalidRun, LoadFailed) as error:
        progress.print(f"[red]The run does not count:[/] {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps(as_json(scenarios, circumstances), indent=2))
    else:
        print_report(scenarios, circumstances, to=sys.stdout)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--quick", action="store_true", help="under 40 seconds: does it work at all?")
    how_long.add_argument("--full", action="store_true", help="at 64 connections, too")
    parser.add_argument("--only", choices=[CALLBACK, TOKEN, *BY_GOALS], help="one scenario")
    parser.add_argument(
        "--size", type=int, help="companies, events, tokens or seconds, where it goes by them"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def _effort(options: argparse.Namespace) -> Effort:
    if options.quick:
        return Effort(turns=2, seconds=1, connections=[16])
    return Effort(turns=5, seconds=4, connections=[16, 64] if options.full else [16])


def _measure(options: argparse.Namespace, *, tell: Tell) -> tuple[list[Scenario], dict[str, Any]]:
    effort, started = _effort(options), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="isv-portal-bench-") as name:
        machine = describe_machine(Path(name))
        tell("starting PostgreSQL and Redis, making the tables")
        stage = build_stage(Path(name))
        with psycopg.connect(stage.database_url, autocommit=True) as database:
            tables = Tables(database)
            scenarios: list[Scenario] = []
            if options.only != TOKEN:
                scenarios += measure_callback(stage, tables, effort, tell)
            if options.only != CALLBACK:
                scenarios += measure_token(stage, effort, tell)
            settings = {name: tables.setting(name) for name in DATABASE_SETTINGS}
    return scenarios, {
        **machine,
        **settings,
        "web_server": f"granian, {WEB_PROCESSES} processes of {WEB_THREADS} threads",
        "turns": effort.turns,
        "seconds_a_run": effort.seconds,
        "took_seconds": round(time.monotonic() - started),
    }


if __name__ == "__main__":
    sys.exit(main())
