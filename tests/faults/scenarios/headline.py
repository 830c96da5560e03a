"""Everything at once: F11, which is goal G1; and goal G3, how quick an acknowledgement stays."""

import time
from collections.abc import Callable

from tests.faults.checker import Limits
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.schedule import deal
from tests.faults.traffic import Traffic
from tests.faults.world import World

FAULTS = 20
Fault = Callable[[World, Run], None]


def _redis_killed(world: World, run: Run) -> None:
    world.redis.kill()
    time.sleep(run.random.uniform(0.1, 2.0))
    world.redis.start()


def _redis_hangs(world: World, run: Run) -> None:
    world.redis.pause()
    time.sleep(run.random.uniform(1.0, 5.0))
    world.redis.resume()


def _postgresql_stopped(world: World, run: Run) -> None:
    world.postgresql.stop_immediately()
    time.sleep(run.random.uniform(0.1, 2.0))
    world.postgresql.start()


def _backend_killed(world: World, run: Run) -> None:
    world.postgresql.kill_backend(run.random.choice)
    world.postgresql.wait_until_it_answers()


MIXED_FAULTS: tuple[Fault, ...] = (
    lambda world, run: world.kill_child("callback", run.random.choice),
    lambda world, _run: world.kill("callback", at_work=True),
    lambda world, _run: world.terminate("callback"),
    lambda world, _run: world.kill("web", at_work=True),
    lambda world, _run: world.kill("worker", at_work=True),
    lambda world, _run: world.terminate("worker"),
    lambda world, _run: world.kill("dispatcher", at_work=True),
    lambda world, _run: world.kill("beat"),
    _redis_killed,
    _redis_hangs,
    lambda world, _run: world.redis.flush(),
    _backend_killed,
    _postgresql_stopped,
    lambda world, _run: world.postgresql.restart(),
)


@scenario(
    "F11",
    "Twenty random kills and stops of web, worker, dispatcher, Redis and PostgreSQL (goal G1)",
    events=10_000,
    quick_events=600,
)
def mixed_faults(world: World, run: Run) -> Outcome:
    """Nothing acknowledged is lost, nothing happens twice, nothing is acknowledged late."""
    return play_mixed(world, run, faults=5 if run.is_quick else FAULTS)


def play_mixed(world: World, run: Run, *, faults: int, rate: float = 120.0) -> Outcome:
    """Play so many faults of all kinds over the pushing."""
    dealt = deal(run.random, MIXED_FAULTS, faults)
    with Traffic(world, run, rate=rate) as traffic:
        for number in traffic.moments(faults):
            dealt[number](world, run)
    return traffic.outcome(figures={"faults": faults})


@scenario("G3", "Events are acknowledged while Redis is stopped and DingTalk hangs", events=6000)
def acknowledged_without_anybody(world: World, run: Run) -> Outcome:
    """Only the database stands between a push and its acknowledgement."""
    world.note("each call to DingTalk hangs")
    world.simulator.add_fault(endpoint="*", kind="hang", seconds=60, count=None)
    world.redis.kill()
    with Traffic(world, run, rate=100) as traffic:
        pass
    world.simulator.clear_faults()
    world.note("DingTalk answers again")
    world.redis.start()
    limits = Limits(ack_p50_ms=10, ack_p99_ms=100, ack_p999_ms=1200)
    return traffic.outcome(limits=limits)
