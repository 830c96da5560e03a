"""The supervisor starts again what has died, and leaves alone what it was told to."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.supervisor import Supervisor
from tests.journeys.processes import Process, eventually


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    sleeper = Process(
        "sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], env={}, log_dir=tmp_path
    )
    yield sleeper.start()
    sleeper.kill()


@pytest.fixture
def supervisor(process: Process) -> Iterator[Supervisor]:
    watching = Supervisor({"sleeper": process})
    watching.start()
    yield watching
    watching.close()


def test_a_process_that_died_is_started_again(process: Process, supervisor: Supervisor):
    before = process.pid

    process.kill()

    eventually(lambda: process.is_running and process.pid != before, within=5)
    assert [name for _, name in supervisor.restarts] == ["sleeper"]


def test_a_process_on_hold_stays_down_until_it_is_let_go(process: Process, supervisor: Supervisor):
    supervisor.hold("sleeper")
    process.kill()

    with pytest.raises(AssertionError):
        eventually(lambda: process.is_running, within=1)
    supervisor.let_go("sleeper")
    eventually(lambda: process.is_running, within=5)
