"""A new release while events come: F39."""

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.rolling import roll
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.processes import manage
from tests.journeys.processes import run as run_command

# What a release may do to a table of a running portal: nothing that the old code would stumble over.
_MIGRATION = (
    "ALTER TABLE dingtalk_receivedevent ADD COLUMN added_by_release integer",
    "CREATE INDEX CONCURRENTLY added_by_release ON dingtalk_receivedevent (added_by_release)",
)
_BACK = "ALTER TABLE dingtalk_receivedevent DROP COLUMN added_by_release"


@scenario(
    "F39",
    "Every process is restarted in order under load, with a migration in between",
    events=4000,
    quick_events=600,
)
def deployed_under_load(world: World, run: Run) -> Outcome:
    """Half of the processes are old and half are new at times; each is asked to end, none is killed."""
    deploys = 1 if run.is_quick else 3
    problems: list[str] = []
    with Traffic(world, run, rate=8.0 if run.is_quick else 20.0) as traffic:
        for _ in traffic.moments(deploys, last=0.5):
            _migrate(world)
            roll(world)
            if traffic.pusher.is_done:
                problems.append("the pushes ended before the deploy")
    with world.postgresql.connect() as connection:
        connection.execute(_BACK)
    return traffic.outcome(figures={"deploys": deploys}, problems=problems)


def _migrate(world: World) -> None:
    world.note("migrate")
    run_command(manage("migrate", "--no-input"), env=world.stack.env)
    with world.postgresql.connect() as connection:
        connection.execute(_BACK.replace("COLUMN", "COLUMN IF EXISTS"))
        for statement in _MIGRATION:
            connection.execute(statement)
