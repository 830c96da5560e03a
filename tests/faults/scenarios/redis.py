"""Redis that dies, hangs, is full or forgets: F7 to F9, and a worker that has to come back after it: F47."""

import time

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.processes import eventually

HANG_SECONDS = 10.0
FULL_SECONDS = 8.0
PROGRESS_SECONDS = 30.0
_LOOK_FOR_SECONDS = 120.0


@scenario("F7", "Redis is killed ten times and comes back empty", events=4000)
def redis_killed(world: World, run: Run) -> Outcome:
    """The queue is gone each time; the rows are not."""
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(2 if run.is_quick else 10):
            world.redis.kill()
            time.sleep(run.random.uniform(0.1, 2.0))
            world.redis.start()
    return traffic.outcome()


@scenario("F8", "Redis accepts connections and never answers, for ten seconds", events=4000)
def redis_hangs(world: World, run: Run) -> Outcome:
    """Nothing on the way to an acknowledgement asks Redis."""
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(1 if run.is_quick else 2, last=0.7):
            world.redis.pause()
            time.sleep(HANG_SECONDS)
            world.redis.resume()
    return traffic.outcome()


@scenario("F9", "Redis is full and refuses to write, and loses everything it holds", events=4000)
def redis_full_and_flushed(world: World, run: Run) -> Outcome:
    """Full: no task can be published. Flushed: those that were are gone."""
    with Traffic(world, run) as traffic:
        for number in traffic.moments(2 if run.is_quick else 6):
            if number % 2:
                world.redis.flush()
                continue
            world.redis.limit_memory("1")
            time.sleep(FULL_SECONDS)
            world.redis.limit_memory("0")
    return traffic.outcome()


@scenario(
    "F47", "Redis is restarted again and again while the worker reconnects", events=3000, quick_events=600
)
def worker_comes_back(world: World, run: Run) -> Outcome:
    """The dispatcher does the work meanwhile; the worker handles events again soon after Redis is back."""
    waited: list[float] = []
    with Traffic(world, run, rate=6.0 if run.is_quick else 15.0) as traffic:
        for _ in traffic.moments(2 if run.is_quick else 8, last=0.6):
            for _ in range(run.random.randint(1, 3)):
                world.redis.kill()
                time.sleep(run.random.uniform(0.1, 3.0))
                world.redis.start()
                time.sleep(run.random.uniform(0.1, 1.0))
            waited.append(_seconds_until_worker_handles(world))
    slow = [seconds for seconds in waited if seconds > PROGRESS_SECONDS]
    problems = [f"the worker handled nothing for {seconds:.0f} s after Redis was back" for seconds in slow]
    return traffic.outcome(
        figures={
            "restarts of Redis": len(waited),
            "longest until the worker handles s": round(max(waited), 1),
        },
        problems=problems,
    )


def _seconds_until_worker_handles(world: World) -> float:
    """Read the worker's log: whether it has handled an event is seen nowhere else."""
    began, handled = time.monotonic(), _handled_by_worker(world)
    eventually(
        lambda: _handled_by_worker(world) > handled,
        within=_LOOK_FOR_SECONDS,
        what="the worker handles an event",
    )
    return time.monotonic() - began


def _handled_by_worker(world: World) -> int:
    return world.processes["worker"].log().count('"event_finished"')
