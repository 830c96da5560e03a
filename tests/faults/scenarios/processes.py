"""Processes of the portal that die."""

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World


@scenario("F2", "The whole callback web group is killed ten times", events=3000, quick_events=300)
def web_group_killed(world: World, run: Run) -> Outcome:
    """What was acknowledged is stored; what was not is pushed again."""
    with Traffic(world, run) as traffic:
        for _ in traffic.moments(3 if run.is_quick else 10):
            world.kill("callback")
    return traffic.outcome()
