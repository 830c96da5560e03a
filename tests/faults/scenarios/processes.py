"""Processes of the portal that die: F1 to F4, F6."""

from tests.faults.outcome import Outcome, Run
from tests.faults.plan import Mix
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World

# Tasks that wait for DingTalk are under way nearly always when each call takes this long.
SLOW_CALL_SECONDS = 0.4


@scenario("F1", "One process of the callback server is killed twenty times", events=4000)
def web_process_killed(world: World, run: Run) -> Outcome:
    """Granian starts it again; what it was answering is not acknowledged and comes again."""
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(4 if run.is_quick else 20):
            world.kill_child("callback", run.random.choice)
    return traffic.outcome()


@scenario("F2", "The whole callback server is killed ten times", events=4000)
def web_group_killed(world: World, run: Run) -> Outcome:
    """What was acknowledged is stored; what was not is pushed again."""
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(2 if run.is_quick else 10):
            world.kill("callback", at_work=True)
    return traffic.outcome()


@scenario("F3", "The Celery worker is killed twenty times", events=4000)
def worker_killed(world: World, run: Run) -> Outcome:
    """The messages that it had taken are gone; the rows that they name are still due."""
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(4 if run.is_quick else 20):
            world.kill("worker", at_work=True)
    return traffic.outcome()


@scenario("F4", "The Celery worker is killed in the middle of calls to DingTalk", events=2000)
def worker_killed_in_a_task(world: World, run: Run) -> Outcome:
    """
    Our pool is one of threads, so that a child of it cannot die alone: its process dies with all tasks.

    Every call takes long, so each kill meets some; half of the companies have a code that works once.
    """
    world.note(f"each call to DingTalk takes {SLOW_CALL_SECONDS:g} s")
    world.simulator.add_fault(endpoint="*", kind="delay", seconds=SLOW_CALL_SECONDS, count=None)
    with Traffic(world, run, rate=60, mix=Mix(deeds=0.4, legacy=0.5)) as traffic:
        for _ in traffic.moments(3 if run.is_quick else 10):
            world.kill("worker", at_work=True)
    world.simulator.clear_faults()
    world.note("DingTalk answers at once again")
    return traffic.outcome()


@scenario("F6", "Dispatcher and beat are killed ten times, and there are two of each", events=3000)
def dispatcher_and_beat_killed(world: World, run: Run) -> Outcome:
    """Two of them do everything twice, and it takes effect once."""
    others = [world.start_another(name) for name in ("dispatcher", "beat")]
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(3 if run.is_quick else 10):
            world.kill(run.random.choice(["dispatcher", *others]))
            world.kill("beat")
    return traffic.outcome()
