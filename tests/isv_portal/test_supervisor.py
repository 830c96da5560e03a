import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, clean_environment

SLEEP = "import time; time.sleep(60)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
WITH_HELPER = """
import subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("helper", helper.pid, flush=True)
time.sleep(60)
"""


class Watched:
    """A supervisor at work in a process of its own, and what it reports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line_with(self, text: str) -> str:
        """Read on to the next line that has the text in it."""
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError(f"the supervisor ended without a line with {text!r}")

    def next_pid(self) -> int:
        return int(re.search(r"pid (\d+)", self.line_with("program started"))[1])


@contextmanager
def supervising(program: str, *wanted_from: str) -> Iterator[Watched]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.isv_portal.supervised", program, *wanted_from],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Watched(process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_process_that_is_killed_comes_back():
    with supervising(SLEEP) as watched:
        first = watched.next_pid()
        os.kill(first, signal.SIGKILL)

        ending = watched.line_with("was ended by SIGKILL")
        second = watched.next_pid()

        assert "starting again in 0.5 s" in ending
        assert second != first
        assert is_running(second)


def test_a_process_that_keeps_ending_is_started_after_growing_pauses():
    with supervising("raise SystemExit(3)") as watched:
        endings = [watched.line_with("ended with status 3") for _ in range(2)]

        assert "starting again in 0.5 s" in endings[0]
        assert "starting again in 1 s" in endings[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_when_all_have_ended(number):
    with supervising(SLEEP) as watched:
        pid = watched.next_pid()

        watched.process.send_signal(number)

        assert "was ended by SIGTERM" in watched.line_with("program was")
        assert watched.process.wait(10) == 0
        assert not is_running(pid)


def test_told_twice_it_kills_who_does_not_listen():
    with supervising(STUBBORN) as watched:
        pid = watched.next_pid()
        watched.line_with("deaf")

        watched.process.terminate()
        time.sleep(0.3)
        watched.process.terminate()

        watched.line_with("did not end in time and was killed")
        assert watched.process.wait(10) == 0
        assert not is_running(pid)


def test_a_process_that_is_not_wanted_yet_is_started_when_it_is(tmp_path):
    wanted = tmp_path / "wanted"
    with supervising(SLEEP, str(wanted)) as watched:
        time.sleep(0.5)
        wanted.touch()
        wanted_at = time.time()

        pid = watched.next_pid()

        assert Path(f"/proc/{pid}").stat().st_ctime > wanted_at - 0.1


def test_what_a_dead_process_had_started_ends_before_the_next_one_starts():
    with supervising(WITH_HELPER) as watched:
        pid = watched.next_pid()
        helper = int(watched.line_with("helper").split()[1])
        os.kill(pid, signal.SIGKILL)

        watched.next_pid()

        assert not is_running(helper)


def test_a_supervisor_that_is_killed_leaves_nothing_behind():
    with supervising(SLEEP) as watched:
        pid = watched.next_pid()

        watched.process.kill()

        assert eventually(lambda: not is_running(pid))
