import os
from pathlib import Path

from isv_portal.heartbeat_watch import HeartbeatWatch
from tests.dingtalk.foundation.test_silence import Clock


def touch(path: Path, time_of_day: int) -> None:
    path.touch()
    os.utime(path, (time_of_day, time_of_day))


def is_silent_after(watch: HeartbeatWatch, clock: Clock, seconds: int) -> bool:
    """Looked at each second, as the supervisor does."""
    silent = False
    for _ in range(seconds):
        clock.seconds += 1
        silent = watch.is_silent()
    return silent


def test_a_file_that_is_touched_no_more_is_noticed_after_thirty_seconds(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "worker-7"
    watch = HeartbeatWatch(path, clock=clock)
    touch(path, 1)

    assert not is_silent_after(watch, clock, 30)
    assert is_silent_after(watch, clock, 2)


def test_a_file_that_changes_is_well_whatever_time_of_day_it_bears(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "worker-7"
    watch = HeartbeatWatch(path, clock=clock)

    for time_of_day in (500, 100, 9_000_000, 3):
        touch(path, time_of_day)
        assert not is_silent_after(watch, clock, 25)


def test_a_process_that_is_starting_has_more_time(tmp_path: Path) -> None:
    clock = Clock()
    watch = HeartbeatWatch(tmp_path / "worker-7", clock=clock)

    assert not is_silent_after(watch, clock, 90)
    assert is_silent_after(watch, clock, 1)


def test_the_file_of_an_ended_process_with_the_same_id_does_not_count(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "worker-7"
    touch(path, 1)
    watch = HeartbeatWatch(path, clock=clock)

    assert not is_silent_after(watch, clock, 60)


def test_a_supervisor_that_was_frozen_itself_blames_nobody(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "worker-7"
    watch = HeartbeatWatch(path, clock=clock)
    touch(path, 1)
    is_silent_after(watch, clock, 10)

    clock.seconds += 600

    assert not watch.is_silent()
