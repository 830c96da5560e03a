"""The goals of the callback path: how fast it stores and acknowledges beside bare twins, and its memory."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.bench.callback_scenario import (
    FLASK,
    FLOOR,
    NO_INSERT,
    PORTAL,
    CallbackBench,
    running_callback,
)
from tests.bench.envelope_crypto import measure_envelopes
from tests.bench.goals import Goal
from tests.bench.measurement import Scenario
from tests.bench.scenarios import Effort, Tell
from tests.bench.servers import Stage, build_stage, memory_mb
from tests.bench.slow_disk import build_slow_disk
from tests.bench.tables import Tables

TURNS, QUICK_TURNS = 5, 2
FAST_DISK_THREADS, SLOW_DISK_THREADS = 4, 16
ROWS = 100
ADDED_MILLISECONDS = 3.0


def measure_acknowledging(size: int, tell: Tell) -> list[Goal]:
    """Measure the goals P1, P2, P7 and P8; `size`: seconds of each run; with 1 a quick look."""
    goals = measure_envelopes(tell)
    with tempfile.TemporaryDirectory(prefix="isv-portal-bench-") as folder:
        stage = build_stage(Path(folder))
        goals += _on_this_disk(stage, size, tell)
        goals += _with_many_rows(stage, size, tell)
    return goals + _on_a_slow_disk(size, tell)


def _on_this_disk(stage: Stage, seconds: int, tell: Tell) -> list[Goal]:
    effort = _effort(seconds, 16, 64)

    def measure(bench: CallbackBench) -> list[Goal]:
        goals = [goal for number in (16, 64) for goal in _ratios(bench.measure(number, tell), number)]
        memory = memory_mb(stage, "portal")
        return [*goals, Goal("memory of a callback process", f"{memory:.0f} MB", "≤ 120 MB", memory <= 120)]

    return _running(stage, effort, measure, tell, threads=FAST_DISK_THREADS)


def _with_many_rows(stage: Stage, seconds: int, tell: Tell) -> list[Goal]:
    def measure(bench: CallbackBench) -> list[Goal]:
        scenario = bench.measure(16, tell)
        return [
            _ratio(scenario, NO_INSERT, 0.70, f"push of {ROWS} rows"),
            _information(scenario, FLOOR, "rows"),
        ]

    effort = _effort(seconds, 16)
    return _running(stage, effort, measure, tell, threads=FAST_DISK_THREADS, rows=ROWS)


def _on_a_slow_disk(seconds: int, tell: Tell) -> list[Goal]:
    what = f"{ADDED_MILLISECONDS:.0f} ms more for each fsync, 16 connections"
    with tempfile.TemporaryDirectory(prefix="isv-portal-bench-") as folder:
        library = build_slow_disk(Path(folder), milliseconds=ADDED_MILLISECONDS)
        if library is None:
            return [Goal(what, "NOT MEASURED: needs a C compiler", "≥ 90% of pgbench", is_met=False)]
        stage = build_stage(Path(folder), preload=library)
        goals: list[Goal] = []
        for threads in (SLOW_DISK_THREADS, FAST_DISK_THREADS):

            def measure(bench: CallbackBench, threads: int = threads) -> list[Goal]:
                scenario = bench.measure(16, tell)
                name = f"{what}, {threads} threads"
                is_goal = threads == SLOW_DISK_THREADS
                return [
                    _ratio(scenario, "pgbench", 0.90, name)
                    if is_goal
                    else _information(scenario, "pgbench", name)
                ]

            goals += _running(stage, _effort(seconds, 16), measure, tell, threads=threads)
        return goals


def _effort(seconds: int, *connections: int) -> Effort:
    return Effort(TURNS if seconds > 1 else QUICK_TURNS, seconds, connections)


def _running(
    stage: Stage,
    effort: Effort,
    measure: Callable[[CallbackBench], list[Goal]],
    tell: Tell,
    *,
    threads: int,
    rows: int = 1,
) -> list[Goal]:
    with psycopg.connect(stage.database_url, autocommit=True) as database:
        tables = Tables(database)
        with running_callback(stage, tables, effort, threads=threads, rows=rows) as bench:
            bench.warm_up(tell)
            return measure(bench)


def _ratios(scenario: Scenario, connections: int) -> list[Goal]:
    name = f"callback, {connections} connections"
    goals = [
        _ratio(scenario, FLOOR, 0.85, name),
        _ratio(scenario, "pgbench", 0.22, name),
        _ratio(scenario, FLASK, 2.4, name),
    ]
    if connections == 64:
        p99 = scenario.median_of(PORTAL, "p99_ms") or 0.0
        goals.append(Goal(f"{name}: p99", f"{p99:.1f} ms", "≤ 25 ms", p99 <= 25))
    return goals


def _ratio(scenario: Scenario, other: str, least: float, name: str) -> Goal:
    ratio = scenario.ratio_to(other)
    return Goal(f"{name}: of {other}", _described(scenario, other), f"≥ {least:.0%}", ratio >= least)


def _information(scenario: Scenario, other: str, name: str) -> Goal:
    return Goal(f"{name}: of {other}", _described(scenario, other))


def _described(scenario: Scenario, other: str) -> str:
    mine, theirs = (scenario.median_of(variant, "rate") or 0.0 for variant in (scenario.subject, other))
    ratios = scenario.ratios_to(other)
    spread = f"{min(ratios):.1%} – {max(ratios):.1%}"
    return f"{scenario.ratio_to(other):.1%} ({spread}), {mine:,.0f} of {theirs:,.0f}/s"
