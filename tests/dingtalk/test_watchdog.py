"""A process that makes no progress ends itself, unless nobody could make any."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from dingtalk.models import ProcessHeartbeat, ProcessKind
from dingtalk.watchdog import Watchdog
from tests.dingtalk.foundation.test_silence import Clock

pytestmark = pytest.mark.django_db(transaction=True)


class Broker:
    """Answers, or does not."""

    def __init__(self) -> None:
        self.is_away = False
        self.answer: Callable[[], None] = lambda: None

    def ask(self, _worker_id: UUID) -> None:
        if self.is_away:
            raise ConnectionRefusedError
        self.answer()


class Watched:
    """A process that is looked at each second and reports each fifth, with its time in our hands."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = Clock()
        self.broker = Broker()
        self.ended: list[float] = []
        self.file = data_dir / "heartbeats" / f"worker-{os.getpid()}"
        self.file.parent.mkdir()
        self.watchdog = Watchdog(
            ProcessKind.WORKER,
            data_dir=data_dir,
            ask_others=self.broker.ask,
            end=lambda _kind, seconds: self.ended.append(seconds),
            clock=self.clock,
        )

    def live(self, seconds: int, *, working: bool = False) -> None:
        for second in range(seconds):
            self.clock.seconds += 1
            if working:
                self.watchdog.note_progress()
            if second % 5 == 0:
                self.watchdog.report()
            self.watchdog.look()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def refuse(*_: Any) -> None:
    raise OperationalError


def test_a_process_that_makes_progress_goes_on(watched: Watched) -> None:
    watched.live(120, working=True)

    assert watched.ended == []
    assert watched.file.exists()


def test_a_process_without_progress_ends_after_thirty_seconds(watched: Watched) -> None:
    watched.live(10, working=True)

    watched.live(30)
    assert watched.ended == []
    watched.live(1)

    assert watched.ended == [31]


def test_while_the_broker_is_away_it_waits_and_says_so_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.broker.is_away = True
    watched.live(300)
    assert watched.ended == []

    watched.broker.is_away = False
    watched.live(20)
    assert watched.ended == []
    watched.live(20)

    assert watched.ended
    said = [record.message for record in caplog.records if record.message.startswith("watchdog")]
    assert said == ["watchdog_waits", "watchdog_watches_again"]


def test_while_the_database_is_away_it_waits(watched: Watched) -> None:
    with connection.execute_wrapper(refuse):
        watched.live(300)

    assert watched.ended == []
    assert watched.file.exists()


def test_while_somebody_lets_it_wait_for_an_answer_it_waits(watched: Watched) -> None:
    def answer_late() -> None:
        for _ in range(100):
            watched.clock.seconds += 1
            watched.watchdog.look()

    watched.broker.answer = answer_late

    watched.watchdog.report()

    assert watched.ended == []


def test_a_process_that_was_frozen_goes_on(watched: Watched) -> None:
    watched.live(10, working=True)
    watched.clock.seconds += 600

    watched.live(20)

    assert watched.ended == []


def test_the_row_tells_when_progress_was_made_and_not_when_it_was_written(watched: Watched) -> None:
    watched.live(6, working=True)
    before = ProcessHeartbeat.objects.get()

    watched.live(16)

    row = ProcessHeartbeat.objects.get()
    assert (row.kind, row.pid) == (ProcessKind.WORKER, os.getpid())
    # It was written sixteen seconds later by our clock, and a moment later by the database's.
    assert 13 < (before.last_progress_at - row.last_progress_at).total_seconds() <= 16


def test_once_it_is_told_to_end_its_row_says_so_and_its_file_is_gone(tmp_path: Path) -> None:
    watchdog = Watchdog(ProcessKind.BEAT, data_dir=tmp_path)
    watchdog.start()

    watchdog.close()

    assert ProcessHeartbeat.objects.get().ended_at
    assert list((tmp_path / "heartbeats").iterdir()) == []


def test_a_disk_that_is_full_is_reported_once(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.file.parent.rmdir()

    watched.live(20, working=True)

    assert [record.message for record in caplog.records].count("heartbeat_file_not_touched") == 1
