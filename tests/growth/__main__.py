"""
`python -m tests.growth`: does what is stored make anything slower?

Two databases on one PostgreSQL server, a small one and a large one, filled by the script; every operation is
timed on both in turn, and what is compared are the medians.
"""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg

from tests.bench.machine import describe_machine
from tests.support import services
from tests.support.checkout import ROOT, clean_environment

SMALL = (1_000, 10_000)
# One for both databases.
_KEY = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
# A cost of so many milliseconds more is none: it is what a machine with other work to do adds.
NOISE_MS = 0.1
# An operation is done about so long on one side before it is the other's turn, and at most so often.
TURN_MS, MOST_IN_A_TURN = 250, 50


class Database:
    """One database, and the process that works on it."""

    def __init__(self, server: str, name: str, size: tuple[int, int], filled_at: datetime) -> None:
        self.size, self._filled_at = size, filled_at
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        self._env = _environment(server.rpartition("/")[0] + f"/{name}")
        started = time.monotonic()
        filled = subprocess.run(
            self._command("FILL"), env=self._env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        self.seconds_to_fill, self.bytes = round(time.monotonic() - started), int(filled.stdout)
        self.operations: list[tuple[str, int]] = []
        self._process: Any = None

    def open(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            self._command(),
            env=self._env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.operations = list(json.loads(self._process.stdout.readline() or "null") or [])
        if not self.operations:
            raise RuntimeError("the process of a database did not start")

    def times(self, operation: int, count: int) -> list[float]:
        """Have an operation done so often; return the milliseconds of each."""
        self._process.stdin.write(f"{operation} {count}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process of a database has ended")
        return list(json.loads(answer))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(30)

    def _command(self, *more: str) -> list[str]:
        sizes = map(str, self.size)
        return [sys.executable, "-m", "tests.growth.worker", *sizes, self._filled_at.isoformat(), *more]


def main() -> int:
    """Fill, measure, print; 0 when every goal is reached."""
    options = _options(sys.argv[1:])
    server = services.start_postgresql(options=_SERVER_OPTIONS)
    # Whole seconds: ids are reckoned from it here and in the database.
    now = datetime.now(UTC).replace(microsecond=0)
    small = Database(server, "small", SMALL, now)
    large = Database(server, "large", (options.tenants, options.events), now)
    print(f"filled: {large.seconds_to_fill} s, {large.bytes / 1e9:.2f} GB", file=sys.stderr)
    try:
        small.open()
        large.open()
        rows = _measure(small, large, options)
    finally:
        small.close()
        large.close()
    machine = describe_machine(ROOT)
    if options.json:
        print(json.dumps({"machine": machine, "small": SMALL, "large": large.size, "rows": rows}, indent=2))
    else:
        _print(rows, machine, large)
    return 0 if all(row["is_reached"] for row in rows) else 1


_SERVER_OPTIONS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "work_mem": "16MB",
    "autovacuum": "on",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.growth", description=__doc__)
    parser.add_argument("--tenants", type=int, default=100_000, help="companies in the large database")
    parser.add_argument("--events", type=int, default=1_000_000, help="events (and pushes) in it")
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--only", default="", help="operations with this in their names")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def _environment(database_url: str) -> dict[str, str]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isv_portal.settings")
    return clean_environment(
        DATABASE_URL=database_url,
        DATA_DIR=str(services.new_folder("growth")),
        SECRET_KEY="growth" * 12,
        FIELD_ENCRYPTION_KEYS=_KEY,
        ALLOWED_HOSTS="testserver",
        API_REQUESTS_PER_MINUTE=str(10**9),
        DJANGO_SETTINGS_MODULE="isv_portal.settings",
    )


def _measure(small: Database, large: Database, options: argparse.Namespace) -> list[dict[str, Any]]:
    chosen = [each for each in enumerate(small.operations) if options.only in each[1][0]]
    return [
        _compare(small, large, index, name=name, goal=goal, turns=options.turns)
        for index, (name, goal) in chosen
    ]


def _compare(
    small: Database, large: Database, index: int, *, name: str, goal: int, turns: int
) -> dict[str, Any]:
    """
    Do one operation on both in turn.

    The growth is the median of that of each turn: whatever else the machine does meets both sides of a turn.
    """
    cost = max(min(database.times(index, 3)) for database in (small, large))
    count = max(1, min(MOST_IN_A_TURN, round(TURN_MS / cost)))
    pairs = []
    for turn in range(turns):
        in_turn = [small, large] if turn % 2 else [large, small]
        found = {id(database): median(database.times(index, count)) for database in in_turn}
        pairs.append((found[id(small)], found[id(large)]))
    before, after = (median(side) for side in zip(*pairs, strict=True))
    growth = 100 * (median(large_ms / small_ms for small_ms, large_ms in pairs) - 1)
    print(f"{name}: {before:.2f} -> {after:.2f} ms, {growth:+.0f} %", file=sys.stderr, flush=True)
    return {
        "operation": name,
        "small_ms": round(before, 2),
        "large_ms": round(after, 2),
        "growth_percent": round(growth),
        "goal_percent": goal,
        "is_reached": growth <= goal or after - before <= NOISE_MS,
    }


def _print(rows: list[dict[str, Any]], machine: dict[str, Any], large: Database) -> None:
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(
        f"small: {SMALL[0]:,} tenants, {SMALL[1]:,} events; large: {large.size[0]:,} and {large.size[1]:,}\n"
    )
    print("| operation | small ms | large ms | growth | goal | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for row in rows:
        verdict = "reached" if row["is_reached"] else "**not reached**"
        print(
            f"| {row['operation']} | {row['small_ms']:.2f} | {row['large_ms']:.2f} "
            f"| {row['growth_percent']:+d} % | {row['goal_percent']} % | {verdict} |"
        )


if __name__ == "__main__":
    sys.exit(main())
