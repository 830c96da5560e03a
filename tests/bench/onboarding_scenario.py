"""Many companies authorise at once: how long until all are active, against the time that the calls take."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import psycopg

from tests.bench.goals import (
    CALLS_AT_ONCE,
    WORKER_THREADS,
    WORKERS,
    Goal,
    Portal,
    corp_id_of,
    memory_goals,
    running_portal,
)
from tests.bench.scenarios import Tell
from tests.journeys.stack import SYNC_HTTP

ANSWER_SECONDS = 0.05
ALONE = 5
LONGEST_SECONDS = 600
_ACTIVE = "SELECT count(*) FROM tenants_tenant WHERE state = 'active'"


def measure_onboarding(companies: int, tell: Tell) -> list[Goal]:
    """Let some companies authorise one after the other, then all others at once."""
    tell("starting PostgreSQL, Redis, the portal and the simulator")
    with running_portal(companies=companies + ALONE) as portal:
        portal.stack.simulator.add_fault(endpoint="*", kind="delay", seconds=ANSWER_SECONDS, count=None)
        memory = portal.memory_mb()
        with psycopg.connect(portal.database_url, autocommit=True) as database:
            _authorize(portal, companies)
            _wait_until(database, 1)
            tell("one company after the other")
            alone = [
                _seconds_alone(portal, database, number) for number in range(companies + 1, companies + ALONE)
            ]
            tell(f"{companies} companies at once")
            calls_before = _last_call(portal)
            started = time.monotonic()
            with ThreadPoolExecutor(32) as administrators:
                list(administrators.map(lambda number: _authorize(portal, number), range(companies)))
            pushed = time.monotonic() - started
            _wait_until(database, companies + ALONE)
            seconds = time.monotonic() - started
            calls = _last_call(portal) - calls_before
            lost = companies + ALONE - _count(database)
        least = calls * ANSWER_SECONDS / CALLS_AT_ONCE
        return [
            Goal(
                "one company alone: push to active",
                f"median {median(alone):.2f} s, longest {max(alone):.2f} s",
                "≤ 1 s",
                max(alone) <= 1,
            ),
            Goal("pushes sent within", f"{pushed:.1f} s"),
            Goal("calls made", f"{calls}, {calls / companies:.1f} a company"),
            Goal(
                "calls allowed at once",
                f"{CALLS_AT_ONCE} of one suite, by {WORKERS} workers of {WORKER_THREADS} threads",
            ),
            Goal(
                "all active after",
                f"{seconds:.1f} s, {seconds / least:.2f} × {least:.1f} s",
                f"≤ 1.3 × calls × {ANSWER_SECONDS * 1000:.0f} ms ÷ calls at once",
                seconds <= 1.3 * least,
            ),
            Goal("lost", str(lost), "0", lost == 0),
            *memory_goals(portal, memory),
        ]


def _authorize(portal: Portal, number: int) -> None:
    portal.stack.simulator.act(SYNC_HTTP, corp_id_of(number), "authorize", wait=False)


def _seconds_alone(portal: Portal, database: psycopg.Connection, number: int) -> float:
    before = _count(database)
    started = time.monotonic()
    _authorize(portal, number)
    _wait_until(database, before + 1, look_every=0.01)
    return time.monotonic() - started


def _wait_until(database: psycopg.Connection, active: int, *, look_every: float = 0.2) -> None:
    """Wait until so many are active; whoever is not after long is lost."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while _count(database) < active and time.monotonic() < deadline:
        time.sleep(look_every)


def _count(database: psycopg.Connection) -> int:
    row = database.execute(_ACTIVE).fetchone()
    return int(row[0]) if row else 0


def _last_call(portal: Portal) -> int:
    """Return how many calls the simulator has answered; its ledger numbers them."""
    calls = portal.stack.simulator.calls()["calls"]
    return int(calls[-1]["id"]) if calls else 0
