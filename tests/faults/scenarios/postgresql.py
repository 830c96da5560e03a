"""PostgreSQL that dies and comes back: F10."""

import time

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World

# An answer may be on its way when the server ends.
_ON_ITS_WAY_SECONDS = 0.3


@scenario("F10", "PostgreSQL loses a backend, is stopped at once, and is restarted", events=4000)
def postgresql_ends(world: World, run: Run) -> Outcome:
    """A lost backend ends all connections; a stop leaves recovery to the next start."""
    kinds = ["backend", "stop"] if run.is_quick else [*["backend"] * 10, *["stop"] * 5, *["restart"] * 2]
    run.random.shuffle(kinds)
    down: list[tuple[float, float]] = []
    with Traffic(world, run) as traffic:
        for number in traffic.moments(len(kinds)):
            if kinds[number] == "backend":
                world.postgresql.kill_backend(run.random.choice)
                world.postgresql.wait_until_it_answers()
            elif kinds[number] == "restart":
                world.postgresql.restart()
            else:
                world.postgresql.stop_immediately()
                began = time.time()
                time.sleep(run.random.uniform(0.1, 2.0))
                down.append((began, time.time()))
                world.postgresql.start()
    figures, problems = _while_down(traffic, down)
    return traffic.outcome(figures=figures, problems=problems)


def _while_down(traffic: Traffic, down: list[tuple[float, float]]) -> tuple[dict[str, object], list[str]]:
    """Nothing can be acknowledged without its database; say how soon it is again."""
    moments = [
        record["at"]
        for record in traffic.histories().pushed
        if record["what"] == "try" and record["answer"] == "success"
    ]
    wrong = sum(began + _ON_ITS_WAY_SECONDS < at < ended for began, ended in down for at in moments)
    waits = [min((at for at in moments if at > ended), default=ended) - ended for _, ended in down]
    figures = {
        "acknowledged while down": wrong,
        "longest until acknowledged again in s": round(max(waits, default=0.0), 2),
    }
    return figures, [f"{wrong} acknowledged without a database"] if wrong else []
