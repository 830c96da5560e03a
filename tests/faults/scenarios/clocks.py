"""Clocks that are wrong or jump: F23, with libfaketime."""

import time
from datetime import timedelta
from pathlib import Path

from tests.faults.companies import CORP_TOKEN_CALLS
from tests.faults.outcome import Outcome, Run, Skipped
from tests.faults.registry import scenario
from tests.faults.rolling import roll
from tests.faults.traffic import Traffic
from tests.faults.world import World

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_SKEWED = {"worker": timedelta(minutes=5), "web": timedelta(minutes=-5)}
_JUMPS = (timedelta(hours=1), timedelta(hours=-1), timedelta(days=-1), timedelta())
_STAYS_SECONDS = 8.0
_TOKEN_CODES = {40014, 42001, "40014", "42001", "InvalidAuthentication"}


@scenario(
    "F23",
    "Clocks jump by hours and by a day, and those of worker and web are five minutes apart",
    events=3000,
    quick_events=900,
    fresh_world=True,
)
def clocks_jump(world: World, run: Run) -> Outcome:
    """PostgreSQL's clock alone is right all the time; it is the one that counts for leases."""
    if not _LIBRARY.exists():
        raise Skipped("needs libfaketime (apt-get install faketime)")
    clocks = _Clocks(world)
    with Traffic(world, run, rate=25.0) as traffic:
        for number in traffic.moments(1 + len(_JUMPS), first=0.02, last=0.85):
            clocks.set(_SKEWED if number == 0 else dict.fromkeys(clocks.names, _JUMPS[number - 1]))
            time.sleep(_STAYS_SECONDS)
    clocks.set({})
    outcome = traffic.outcome()
    held = _stuck_leases(world)
    refused = sum(
        call["code"] in _TOKEN_CODES
        for call in traffic.histories().upstream
        if call["endpoint"] not in CORP_TOKEN_CALLS
    )
    genuine_refused = sum(
        record["answer"] == "status 400" for record in traffic.histories().pushed if record["what"] == "try"
    )
    figures = {
        "tokens used after their end": refused,
        "genuine refused": genuine_refused,
        "stuck leases": held,
    }
    outcome.figures.update(figures)
    outcome.problems.extend(f"{count} {name}" for name, count in figures.items() if count)
    return outcome


class _Clocks:
    """The clocks of the portal's processes, each by a file that libfaketime reads again and again."""

    names = ("dispatcher", "beat", "worker", "web", "callback")

    def __init__(self, world: World) -> None:
        self._world = world
        self._folder = world.folder / "clocks"
        self._folder.mkdir(exist_ok=True)
        self.set({})
        for name in self.names:
            world.processes[name].env.update(
                LD_PRELOAD=str(_LIBRARY),
                FAKETIME_TIMESTAMP_FILE=str(self._folder / name),
                FAKETIME_NO_CACHE="1",
                FAKETIME_DONT_FAKE_MONOTONIC="1",
            )
        roll(world)

    def set(self, offsets: dict[str, timedelta]) -> None:
        """Let each process's clock be so far off, and those that are not named be right."""
        for name in self.names:
            seconds = round(offsets.get(name, timedelta()).total_seconds())
            file = self._folder / f"{name}.new"
            file.write_text(f"{seconds:+d}\n", encoding="utf-8")
            file.rename(self._folder / name)
        self._world.note(
            "clocks: " + (", ".join(f"{name} {offset}" for name, offset in offsets.items()) or "right")
        )


def _stuck_leases(world: World) -> int:
    """Return how many rows are held for longer than any lease lasts, by PostgreSQL's clock."""
    longest = "now() + interval '10 minutes'"
    with world.postgresql.connect() as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table} WHERE lease_until > {longest}").fetchone()[0]
            for table in ("dingtalk_receivedevent", "tenants_tenant", "tenants_accesstoken")
        ]
    return int(sum(counts))
