"""An event that nobody survives: F40."""

import json
import time
from pathlib import Path

from tests.faults.outcome import Outcome, Run
from tests.faults.poison_app import ENVIRONMENT, POISON, deaths_file
from tests.faults.pusher import Target, send
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.processes import eventually
from tests.journeys.stack import SYNC_HTTP

# Six attempts, and the one that notices that the others died.
MOST_DEATHS = 6
CORP = "dingfaultpoison"
# Encrypted, and in base64, it has to stay below the bound of 1 MiB.
_HUGE_BYTES = 700_000
_PATIENCE_SECONDS = 60.0


@scenario(
    "F40",
    "An event kills each process that handles it, and another one is as large as a push can be",
    events=2000,
    quick_events=400,
    environment=ENVIRONMENT,
    fresh_world=True,
)
def poisoned(world: World, run: Run) -> Outcome:
    """It becomes a dead letter after so many deaths; what others send is handled meanwhile."""
    deaths = deaths_file(world.folder / "data")
    target = Target.of(world.simulator.suite(SYNC_HTTP))
    with Traffic(world, run, rate=30.0) as traffic:
        for number in traffic.moments(2, first=0.1, last=0.3):
            answer = send(target, _message(target, number)).answer
            assert answer == "success", answer
        for _ in range(MOST_DEATHS + 1):
            count = _count(deaths)
            _end_leases_of_the_dead(world)
            eventually(
                lambda known=count: _count(deaths) > known or _state(world) == "dead",
                within=_PATIENCE_SECONDS,
                what="the poisonous event is tried again",
            )
            if _state(world) == "dead":
                break
    _end_leases_of_the_dead(world)
    time.sleep(1)
    figures = {"processes that died of it": _count(deaths), "its state": _state(world)}
    problems = []
    if _count(deaths) > MOST_DEATHS:
        problems.append(f"{_count(deaths)} processes died of one event, {MOST_DEATHS} allowed")
    if _state(world) != "dead":
        problems.append(f"the poisonous event is {_state(world)}")
    return traffic.outcome(figures=figures, problems=problems)


def _message(target: Target, number: int) -> str:
    """Return first the poison, then something huge."""
    at_ms = int(time.time() * 1000)
    data = (
        {"syncAction": POISON}
        if number == 0
        else {"syncAction": "user_modify_org", "name": "长" * (_HUGE_BYTES // 3)}
    )
    row = {
        "gmt_create": at_ms,
        "gmt_modified": at_ms,
        "biz_type": 13,
        "open_cursor": 0,
        "subscribe_id": target.subscribe_id,
        "id": at_ms,
        "biz_id": f"poison{number}",
        "biz_data": json.dumps(data, ensure_ascii=False),
        "corp_id": f"{CORP}{number}",
        "status": 0,
    }
    return json.dumps({"EventType": "SYNC_HTTP_PUSH_MEDIUM", "bizData": [row]}, ensure_ascii=False)


def _count(deaths: Path) -> int:
    return len(deaths.read_text().splitlines()) if deaths.exists() else 0


def _end_leases_of_the_dead(world: World) -> None:
    """Let the poison's lease and pause be over, as time would: it is held by nobody who lives."""
    world.note("the poison's lease and pause are over")
    with world.postgresql.connect() as connection:
        connection.execute(
            "UPDATE dingtalk_receivedevent SET lease_until = NULL, next_attempt_at = NULL,"
            " dispatched_at = NULL WHERE corp_id = %s AND state IN ('pending', 'failed')",
            [f"{CORP}0"],
        )


def _state(world: World) -> str:
    with world.postgresql.connect() as connection:
        found = connection.execute(
            "SELECT state FROM dingtalk_receivedevent WHERE corp_id = %s", [f"{CORP}0"]
        ).fetchone()
    return str(found[0]) if found else "absent"
