"""Old rows are removed while events come, and whoever removes them is killed: F45."""

import contextlib
import signal
import subprocess
import time

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.processes import manage

OLD_ROWS, QUICK_OLD_ROWS = 60_000, 6_000
_OLD_DAYS = 400
# Long enough for Django to start, and for some batches.
_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.5, 4.0
_LIMIT_SECONDS = 120.0
_PRUNE = "from django.utils import timezone; from dingtalk.retention import prune; prune(now=timezone.now())"


@scenario("F45", "Old rows are removed during the load, and the remover is killed half-way", quick_events=400)
def pruned_under_load(world: World, run: Run) -> Outcome:
    """Nothing that is young or waits is removed; a remover that was killed is gone on with."""
    old = QUICK_OLD_ROWS if run.is_quick else OLD_ROWS
    _add_old_pushes(world, old)
    _, young_before = _count(world)
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(2 if run.is_quick else 6, last=0.8):
            _prune(world, seconds=run.random.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS))
    _prune(world, seconds=_LIMIT_SECONDS)
    # Each was in an envelope of its own, so each is a row.
    stored = sum(record["answer"] == "success" for record in traffic.tries())
    left, young = _count(world)
    problems = [f"{left} old rows are left"] if left else []
    outcome = traffic.outcome(figures={"old rows": old, "old rows left": left}, problems=problems)
    missing = max(0, stored - (young - young_before))
    outcome.figures["live rows removed"] = missing
    if missing:
        outcome.problems.append(f"{missing} of {stored} live rows were removed")
    return outcome


def _add_old_pushes(world: World, count: int) -> None:
    """Add pushes as they were received and split long ago."""
    world.note(f"{count} old rows")
    with world.postgresql.connect() as connection:
        connection.execute(
            "INSERT INTO dingtalk_receivedpush"
            " (id, suite_id, digest, received_at, split_at, body, source, repeats)"
            " SELECT gen_random_uuid(), suite.id, 'old' || gen_random_uuid(), long_ago, long_ago,"
            "  'x'::bytea, 'http', 0"
            " FROM generate_series(1, %s), (SELECT id FROM dingtalk_suite LIMIT 1) AS suite,"
            "  (SELECT now() - make_interval(days => %s) AS long_ago) AS then",
            [count, _OLD_DAYS],
        )


def _prune(world: World, *, seconds: float) -> None:
    """Remove what is old; kill whoever does it after so many seconds."""
    world.note(f"prune, for at most {seconds:.1f} s")
    process = subprocess.Popen(
        manage("shell", "--verbosity", "0", "--command", _PRUNE),
        env=dict(world.stack.env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
        return
    world.note("kill -9 prune")
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)


def _count(world: World) -> tuple[int, int]:
    """Return how many old and how many young pushes there are."""
    with world.postgresql.connect() as connection:
        is_old = "received_at < now() - make_interval(days => %s)"
        found = connection.execute(
            f"SELECT count(*) FILTER (WHERE {is_old}), count(*) FILTER (WHERE NOT {is_old})"
            " FROM dingtalk_receivedpush",
            [_OLD_DAYS - 1, _OLD_DAYS - 1],
        )
        old, young = found.fetchone()
    return int(old), int(young)
