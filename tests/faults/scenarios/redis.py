"""Redis that dies, hangs, is full or forgets: F7 to F9."""

import time

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World

HANG_SECONDS = 10.0
FULL_SECONDS = 8.0


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
