"""Celery's processes as they are, each on its own, with a watchdog that is impatient."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from dingtalk.foundation.leases import DatabaseNow
from dingtalk.heartbeats import figures
from dingtalk.models import ProcessHeartbeat, ProcessKind
from dingtalk.watchdog import EXIT_STATUS
from isv_portal.processes import beat_command
from tests.isv_portal.broken_worker import SILENT_SECONDS
from tests.journeys.processes import Process, eventually
from tests.support.shared_database import environment

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


class Start(Protocol):
    """Starts a worker that breaks down in some way."""

    def __call__(self, how: str, broker: str = "") -> Process: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start workers that are ended with the test."""
    started: list[Process] = []

    def start_worker(how: str, broker: str = "") -> Process:
        command = [sys.executable, "-m", "tests.isv_portal.broken_worker", how]
        env = environment(
            tmp_path,
            CELERY_BROKER_URL=broker,
            DJANGO_SETTINGS_MODULE="isv_portal.settings",
            PYTHONUNBUFFERED="1",
        )
        started.append(Process("worker", command, env=env, log_dir=tmp_path).start())
        return started[-1]

    yield start_worker
    for process in started:
        process.stop()


def exit_status(process: Process) -> int | None:
    eventually(lambda: not process.is_running, within=40, what=f"it has ended:\n{process.log()}")
    return process.exit_code


def test_a_worker_whose_pool_hangs_ends_itself_and_shows_where(start: Start) -> None:
    worker = start("pool-hangs")

    assert exit_status(worker) == EXIT_STATUS
    assert '"event": "no_progress"' in worker.log()
    assert "most recent call first" in worker.log()


def test_a_worker_that_stays_connected_and_reads_no_more_ends_itself(start: Start, redis_url: str) -> None:
    worker = start("reads-no-more", broker=redis_url)

    assert exit_status(worker) == EXIT_STATUS


def test_a_worker_that_takes_its_pulses_is_at_work(start: Start, redis_url: str) -> None:
    worker = start("well", broker=redis_url)
    row = eventually(lambda: ProcessHeartbeat.objects.filter(pid=worker.pid).first(), within=30)

    eventually(lambda: seconds_at_work(row) > 2 * SILENT_SECONDS, within=30, what="it makes progress")

    assert worker.is_running
    assert figures()[ProcessKind.WORKER].at_work >= 1
    # A pulse is nothing to know.
    assert "pulse" not in worker.log()


def test_a_worker_whose_broker_is_away_waits_for_it(start: Start) -> None:
    worker = start("well", broker=NOBODY_LISTENS)
    row = eventually(lambda: ProcessHeartbeat.objects.filter(pid=worker.pid).first(), within=30)

    eventually(lambda: seconds_alive(row) > 2 * SILENT_SECONDS, within=30)

    assert worker.is_running
    assert worker.log().count("watchdog_waits") == 1


def test_beat_makes_progress_by_its_ticks(tmp_path: Path) -> None:
    env = environment(tmp_path, PYTHONUNBUFFERED="1")
    beat = Process(
        "beat", beat_command(schedule_file=tmp_path / "schedule"), env=env, log_dir=tmp_path
    ).start()
    try:
        row = eventually(lambda: ProcessHeartbeat.objects.filter(pid=beat.pid).first(), within=30)
        eventually(lambda: seconds_at_work(row) > 3, within=30, what="it ticks")
    finally:
        beat.stop()

    row.refresh_from_db()
    assert row.kind == ProcessKind.BEAT
    assert row.ended_at


def seconds_at_work(row: ProcessHeartbeat) -> float:
    row.refresh_from_db()
    return (row.last_progress_at - row.started_at).total_seconds()


def seconds_alive(row: ProcessHeartbeat) -> float:
    now = ProcessHeartbeat.objects.values_list(DatabaseNow(), flat=True).get(pk=row.pk)
    return (now - row.started_at).total_seconds()
