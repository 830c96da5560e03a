"""What the processes of a running portal, PostgreSQL and Redis have taken of the processor, in seconds."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
import redis

from tests.bench.goals import Portal

PROCESSES = ("callback", "web", "worker", "dispatcher", "beat")
_TICKS = os.sysconf("SC_CLK_TCK")


class ProcessorTime:
    """Reads /proc, so that it costs those who are measured nothing."""

    def __init__(self, portal: Portal, redis_url: str) -> None:
        with psycopg.connect(portal.database_url) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        folder = Path(str(row[0] if row else ""))
        # A process and all that it started, by the id of the first one.
        self._leaders = {name: portal.stack.processes[name].pid for name in PROCESSES}
        self._leaders["postgresql"] = int((folder / "postmaster.pid").read_text().split()[0])
        self._leaders["redis"] = int(redis.Redis.from_url(redis_url).info("server")["process_id"])

    def now(self) -> dict[str, float]:
        """Return the seconds of each so far."""
        times = {int(entry.name): _times(entry) for entry in Path("/proc").glob("[0-9]*")}
        return {name: sum(_of_family(leader, times)) for name, leader in self._leaders.items()}


def difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Return what was taken meanwhile."""
    return {name: seconds - before[name] for name, seconds in after.items()}


def _of_family(leader: int, times: Mapping[int, tuple[int, float, float]]) -> list[float]:
    """Return the seconds of a process and of its children; those of children that ended are in its own."""
    own = [seconds + ended for pid, (_, seconds, ended) in times.items() if pid == leader]
    return own + [
        part for pid, (parent, *_) in times.items() if parent == leader for part in _of_family(pid, times)
    ]


def _times(entry: Path) -> tuple[int, float, float]:
    """Return the parent's id, the seconds of the process, and those of its children that have ended."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0.0, 0.0
    user, system, ended_user, ended_system = (int(field) / _TICKS for field in fields[11:15])
    return int(fields[1]), user + system, ended_user + ended_system
