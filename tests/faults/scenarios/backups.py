"""A backup that is taken while events come, and a portal that goes on from it: F44."""

import subprocess
import time
from datetime import datetime

import psycopg
import requests

from tests.faults.checker import acknowledged_keys
from tests.faults.outcome import Outcome, Run
from tests.faults.pusher import event_key
from tests.faults.registry import scenario
from tests.faults.rolling import roll
from tests.faults.traffic import Traffic
from tests.faults.world import World

_RESTORED = "restored"
_LIMIT_SECONDS = 120.0


@scenario(
    "F44",
    "pg_dump during the load, the database is lost, and the portal goes on from the dump",
    events=3000,
    quick_events=400,
    fresh_world=True,
)
def restored(world: World, run: Run) -> Outcome:
    """What came after the dump is lost and counted; what comes afterwards reaches an app that reads on."""
    dump = run.folder / "portal.dump"
    with Traffic(world, run, events=run.events // 2, rate=60.0) as before:
        for _ in before.moments(1, first=0.4, last=0.6):
            world.note("pg_dump")
            _client(world, "pg_dump", "--format=custom", f"--file={dump}", world.postgresql.url)
    lived = before.outcome()
    began = time.monotonic()
    url = _restore(world, dump)
    roll(world, DATABASE_URL=url)
    seconds = time.monotonic() - began
    acknowledged = acknowledged_keys(before.histories().pushed)
    lost = len(acknowledged - _stored(url))
    with Traffic(world, run, events=run.events // 2, rate=60.0) as after:
        pass
    outcome = after.outcome(
        figures={
            "acknowledged after the backup, and lost": lost,
            "ready after s": round(seconds, 1),
        },
        problems=[f"before the loss: {problem}" for problem in lived.problems],
    )
    given_before = before.histories().given
    read = _read_on(world, after=given_before[-1]["cursor"])
    entries = [*((record["key"], record["id"]) for record in given_before), *read]
    judged = {
        "missed by an app that reads on": len(
            acknowledged_keys(after.histories().pushed) - {key for key, _id in read}
        ),
        "given to it again under another id": len(set(entries)) - len({key for key, _id in entries}),
    }
    outcome.figures.update(judged)
    outcome.figures["given to it again under its id"] = len(entries) - len(set(entries))
    outcome.problems.extend(f"{count} {name}" for name, count in judged.items() if count)
    return outcome


def _restore(world: World, dump: object) -> str:
    """Make a database from the dump as docs/operations.md says, and return its URL."""
    world.note("the database is lost; pg_restore")
    with world.postgresql.connect() as connection:
        connection.execute(f"CREATE DATABASE {_RESTORED}")
    url = world.postgresql.url.rpartition("/")[0] + f"/{_RESTORED}"
    _client(world, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(dump))
    world.stack.env = {**world.stack.env, "DATABASE_URL": url}
    world.stack.manage("feed", "restored")
    return url


def _client(world: World, program: str, *arguments: str) -> None:
    subprocess.run(
        [world.postgresql.program(program), *arguments],
        check=True,
        capture_output=True,
        timeout=_LIMIT_SECONDS,
    )


def _stored(url: str) -> set[str]:
    """Return the events that a database has, named as the pusher names them."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT suite.suite_key, event.corp_id, event.event_type, event.platform_time"
            " FROM dingtalk_receivedevent AS event JOIN dingtalk_suite AS suite ON suite.id = event.suite_id"
            " WHERE event.platform_time IS NOT NULL"
        ).fetchall()
    return {event_key(*names, round(at.timestamp() * 1000)) for *names, at in found}


def _read_on(world: World, *, after: str) -> list[tuple[str, str]]:
    """Read the feed from a cursor to its end, as an app does that was away meanwhile: keys and ids."""
    read: list[tuple[str, str]] = []
    has_more = True
    while has_more:
        answer = requests.get(
            f"{world.base_url}/api/v1/events",
            params={"after": after, "limit": 200},
            headers={"Authorization": f"Bearer {world.app_key}"},
            timeout=10,
        )
        answer.raise_for_status()
        page = answer.json()
        for entry in page["results"]:
            at_ms = round(datetime.fromisoformat(entry["platform_time"]).timestamp() * 1000)
            key = event_key(entry["suite_key"], entry["corp_id"], entry["type"], at_ms)
            read.append((key, entry["id"]))
        after, has_more = page["next"], page["has_more"]
    return read
