"""Scenarios that are judged by goals of their own, not by ratios: what was wanted, and what came of it."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.scenarios import Tell
from tests.journeys.operator import Operator
from tests.journeys.stack import LEGACY, SYNC_HTTP, Stack
from tests.support import services

# What DingTalk allows an address is not what is measured.
_NO_BUDGET = {
    "DINGTALK_CALLS_PER_SECOND": "0",
    "DINGTALK_CALLS_PER_20_SECONDS": "0",
    "DINGTALK_CALLS_PER_SECOND_PER_API": "0",
}
# Companies beside those that are asked for.
FIVE_MORE = tuple(f"dingmore{number:08d}" for number in range(5))
# Of docs/operations.md, for two cores: a process has one interpreter, and few threads keep it busy.
WORKERS, WORKER_THREADS = 2, 4
# Of a process's threads for one suite, see tenants/fair_share.py.
CALLS_AT_ONCE = WORKERS * (WORKER_THREADS * 3 // 4)
_WORKERS = ("worker", *(f"worker {number}" for number in range(2, WORKERS + 1)))
WORKING = (*_WORKERS, "dispatcher", "beat")


@dataclass(frozen=True)
class Goal:
    """One figure beside its goal; without `is_met` it is for information."""

    what: str
    figure: str
    wanted: str = ""
    is_met: bool | None = None


@dataclass(frozen=True)
class Portal:
    """A portal with all its processes, its simulator, and two suites: by SyncHTTP and by legacy HTTP."""

    stack: Stack
    operator: Operator
    database_url: str

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of the processes behind the acknowledgement, in MB."""
        return {name: _resident_mb(self.stack.processes[name].pid) for name in WORKING}


@contextmanager
def running_portal(
    *,
    companies: int,
    database_url: str = "",
    redis_url: str = "",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Portal]:
    """Run everything until the block ends, with a durable PostgreSQL and a Redis if none are given."""
    with tempfile.TemporaryDirectory(prefix="isv-portal-bench-") as folder:
        database_url = database_url or services.start_postgresql(is_durable=True)
        redis_url = redis_url or services.start_redis()
        stack = Stack(
            Path(folder),
            database_url=database_url,
            redis_url=redis_url,
            seed=_world(companies),
            environment={**_NO_BUDGET, "WORKER_THREADS": str(WORKER_THREADS), **(environment or {})},
        )
        try:
            stack.start()
            for name in _WORKERS[1:]:
                stack.start_worker(name)
            operator = Operator(stack)
            for suite_key in (SYNC_HTTP, LEGACY):
                operator.register_suite(suite_key)
                stack.simulator.push_ticket(suite_key)
            yield Portal(stack, operator, database_url)
        finally:
            stack.stop()


def corp_id_of(number: int) -> str:
    """Return the id of one of the world's companies."""
    return f"dingbench{number:08d}"


def run_goals(
    measure: Callable[[int, Tell], list[Goal]], *, size: int, tell: Tell, to: TextIO = sys.stdout
) -> int:
    """Measure and print; 0 when every goal is met."""
    started = time.monotonic()
    goals = measure(size, tell)
    console = Console(file=to, width=None if to.isatty() else 140)
    table = Table(box=box.HEAVY_HEAD if console.is_terminal else box.MARKDOWN)
    for heading in ("what", "figure", "goal", "met"):
        table.add_column(heading)
    for goal in goals:
        table.add_row(goal.what, goal.figure, goal.wanted, {None: "", True: "yes", False: "NO"}[goal.is_met])
    console.print(table)
    console.print(f"size {size}, took {time.monotonic() - started:.0f} s")
    return 0 if all(goal.is_met is not False for goal in goals) else 1


def memory_goals(portal: Portal, before: Mapping[str, float]) -> list[Goal]:
    """Return what the processes behind the acknowledgement have in memory, before and now."""
    return [
        Goal(f"memory of {name}", f"{before[name]:.0f} MB, then {now:.0f} MB", "≤ 130 MB", now <= 130)
        for name, now in portal.memory_mb().items()
    ]


def _world(companies: int) -> dict[str, Any]:
    return {
        "suites": [
            {"suite_id": "880001", "suite_key": SYNC_HTTP, "name": "one", "push_mode": "sync_http"},
            {"suite_id": "880002", "suite_key": LEGACY, "name": "other", "push_mode": "http"},
        ],
        "companies": [
            {"corp_id": corp_id, "name": corp_id}
            for corp_id in (*map(corp_id_of, range(companies)), *FIVE_MORE)
        ],
    }


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
