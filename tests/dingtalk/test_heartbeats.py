"""What is known of the background processes."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from dingtalk import heartbeats, pulses
from dingtalk.heartbeat_files import heartbeat_file, newest_file_seconds, remove_forgotten_files
from dingtalk.models import ProcessHeartbeat, ProcessKind


def make_process(kind: ProcessKind, *, seconds_ago: float, is_ended: bool = False) -> ProcessHeartbeat:
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    return ProcessHeartbeat.objects.create(
        kind=kind,
        host="machine",
        pid=7,
        version="1",
        started_at=moment,
        last_progress_at=moment,
        ended_at=moment if is_ended else None,
    )


@pytest.mark.django_db
class TestFigures:
    def test_of_the_processes_that_are_always_there_it_says_when_none_was_ever_seen(self) -> None:
        figures = heartbeats.figures()

        assert list(figures) == [ProcessKind.WORKER, ProcessKind.DISPATCHER, ProcessKind.BEAT]
        assert all(each.is_silent and each.last_progress_seconds is None for each in figures.values())

    def test_those_at_work_are_counted_and_the_newest_progress_counts(self) -> None:
        for seconds_ago in (3, 20, 300):
            make_process(ProcessKind.WORKER, seconds_ago=seconds_ago)

        worker = heartbeats.figures()[ProcessKind.WORKER]

        assert worker.at_work == 2
        assert 2 < worker.last_progress_seconds < 10
        assert not worker.is_silent

    def test_a_kind_whose_only_process_does_nothing_is_silent(self) -> None:
        make_process(ProcessKind.BEAT, seconds_ago=40)

        assert heartbeats.figures()[ProcessKind.BEAT].is_silent

    def test_a_process_that_was_told_to_end_is_not_at_work(self) -> None:
        make_process(ProcessKind.DISPATCHER, seconds_ago=1, is_ended=True)

        assert heartbeats.figures()[ProcessKind.DISPATCHER].at_work == 0

    def test_of_others_only_those_that_were_not_told_to_end_are_expected(self) -> None:
        make_process(ProcessKind.RDS, seconds_ago=400, is_ended=True)
        make_process(ProcessKind.STREAM, seconds_ago=400)

        figures = heartbeats.figures()

        assert figures[ProcessKind.STREAM].is_silent
        assert ProcessKind.RDS not in figures


@pytest.mark.django_db
def test_a_process_of_before_yesterday_is_forgotten_with_its_queue() -> None:
    make_process(ProcessKind.WORKER, seconds_ago=60)
    old = make_process(ProcessKind.WORKER, seconds_ago=100_000)
    pulses.send(old.pk)

    removed = heartbeats.prune(now=timezone.now())

    assert removed == 1
    assert not ProcessHeartbeat.objects.filter(pk=old.pk).exists()
    with current_app.connection_for_write() as connection:
        assert connection.default_channel._size(pulses.queue_name(old.pk)) == 0


def touch(data_dir: Path, kind: str, pid: int, *, seconds_ago: float) -> Path:
    path = heartbeat_file(data_dir, kind, pid)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (time.time() - seconds_ago,) * 2)
    return path


def test_of_several_files_the_newest_counts(tmp_path: Path) -> None:
    touch(tmp_path, "worker", 7, seconds_ago=500)
    touch(tmp_path, "worker", 8, seconds_ago=5)
    touch(tmp_path, "beat", 9, seconds_ago=0)

    assert 4 < newest_file_seconds(tmp_path, "worker") < 9


def test_files_of_before_yesterday_are_removed_and_those_of_others_stay(tmp_path: Path) -> None:
    old = touch(tmp_path, "worker", 7, seconds_ago=100_000)
    kept = [touch(tmp_path, "worker", 8, seconds_ago=500), touch(tmp_path, "beat", 9, seconds_ago=100_000)]

    remove_forgotten_files(tmp_path, "worker")

    assert not old.exists()
    assert all(path.exists() for path in kept)


class TestHealthCheck:
    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path: Path, settings: Any) -> None:
        settings.DATA_DIR = tmp_path

    def test_a_process_that_is_well_passes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        touch(tmp_path, "worker", 7, seconds_ago=2)

        call_command("heartbeat", "worker")

        assert capsys.readouterr().out == "ok\n"

    def test_a_frozen_one_fails(self, tmp_path: Path) -> None:
        touch(tmp_path, "worker", 7, seconds_ago=40)

        with translation.override("en"), pytest.raises(CommandError, match="for 40 s"):
            call_command("heartbeat", "worker")

    def test_one_that_was_never_there_fails(self) -> None:
        with pytest.raises(CommandError, match="worker"):
            call_command("heartbeat", "worker")
