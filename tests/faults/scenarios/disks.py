"""Disks that are full or fail: F19, F21, F22; and many writers on SQLite: F20."""

import shutil
import sqlite3
import subprocess
import time
from collections import Counter

from tests.faults.embedded_world import EmbeddedWorld
from tests.faults.outcome import Outcome, Run, Skipped
from tests.faults.plan import Mix
from tests.faults.registry import scenario
from tests.faults.servers import children_of
from tests.faults.traffic import Traffic
from tests.faults.world import World

FULL_SECONDS = 6.0
FAILING_SECONDS = 1.0
_ON_ITS_WAY_SECONDS = 0.3


@scenario(
    "F19",
    "SQLite: the file system is full, then has room again",
    events=600,
    quick_events=300,
    embedded=True,
    disk_megabytes=48,
)
def sqlite_disk_full(world: World, run: Run) -> Outcome:
    """What could not be written was not acknowledged; the file is whole, and all goes on by itself."""
    assert isinstance(world, EmbeddedWorld)
    outcome = _fill_up(world, run, rate=20)
    with sqlite3.connect(world.data / "portal.sqlite3") as connection:
        found = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    outcome.figures["integrity"] = found
    if found != "ok":
        outcome.problems.append(f"the file is damaged: {found[:200]}")
    return outcome


@scenario(
    "F21",
    "PostgreSQL: the file system is full, then has room again",
    events=1200,
    quick_events=400,
    disk_megabytes=256,
    fresh_world=True,
)
def postgresql_disk_full(world: World, run: Run) -> Outcome:
    """A server that could not write its log ends; started again, it has all that was acknowledged."""
    return _fill_up(world, run, rate=40)


def _fill_up(world: World, run: Run, *, rate: float) -> Outcome:
    assert world.disk is not None
    with Traffic(world, run, rate=rate) as traffic:
        for _ in traffic.moments(1 if run.is_quick else 3, last=0.7):
            world.disk.fill()
            time.sleep(FULL_SECONDS)
            world.disk.free()
            if not isinstance(world, EmbeddedWorld) and not world.postgresql.is_running:
                world.postgresql.start()
    return traffic.outcome()


@scenario("F20", "SQLite: eight and more write at once", events=2000, quick_events=400, embedded=True)
def sqlite_writers(world: World, run: Run) -> Outcome:
    """Each gets its turn in time: no push is refused, and no log says that the database is locked."""
    before = _locked_lines(world)
    with Traffic(world, run, rate=60, mix=Mix(deeds=0.1)) as traffic:
        pass
    tries = traffic.tries()
    refused = Counter(record["answer"] for record in tries if record["answer"] != "success")
    locked = _locked_lines(world) - before
    problems = [f"{count} pushes: {answer}" for answer, count in refused.items()]
    problems += [f"{locked} times: database is locked"] if locked else []
    return traffic.outcome(figures={"locked": locked}, problems=problems)


def _locked_lines(world: World) -> int:
    return sum(process.log().count("database is locked") for process in world.processes.values())


@scenario(
    "F22",
    "fsync of PostgreSQL's files fails: EIO",
    events=1200,
    quick_events=400,
    fresh_world=True,
)
def fsync_fails(world: World, run: Run) -> Outcome:
    """PostgreSQL trusts no file whose fsync failed: it ends all connections and reads its log again."""
    if shutil.which("strace") is None:
        raise Skipped("needs strace, to have fsync fail")
    with Traffic(world, run, rate=60) as traffic:
        for _ in traffic.moments(1 if run.is_quick else 5, last=0.8):
            _fail_fsync(world)
    panics = (world.postgresql.folder / "log").read_text(errors="replace").count("PANIC:")
    problems = [] if panics else ["no fsync failed: PostgreSQL noticed nothing"]
    return traffic.outcome(figures={"panics": panics}, problems=problems)


def _fail_fsync(world: World) -> None:
    world.note("fsync fails with EIO")
    pid = world.postgresql.pid
    attached = [part for each in (pid, *children_of(pid)) for part in ("-p", str(each))]
    inject = "inject=fsync,fdatasync:error=EIO"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject]
    strace = subprocess.Popen(
        [*command, *attached], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(FAILING_SECONDS)
    strace.terminate()
    strace.wait(timeout=10)
    world.note("fsync works again")
    if not world.postgresql.is_running:
        world.postgresql.start()
    world.postgresql.wait_until_it_answers()
