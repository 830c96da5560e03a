"""What is left for others when one suite has much to do, or hangs."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tenants.fair_share import FairShare
from tests.dingtalk.client.discipline.gates import StillClock

BUSY, QUIET = uuid4(), uuid4()


def test_a_suite_that_hangs_leaves_a_quarter_of_the_threads_to_others() -> None:
    share, hanging, done = FairShare(threads=lambda: 4), threading.Event(), threading.Event()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(20):
            threads.submit(share.run, BUSY, lambda: hanging.wait(10) and None)
        threads.submit(share.run, QUIET, done.set)

        was_done = done.wait(5)
        hanging.set()

    assert was_done


def test_what_stood_aside_is_done_by_the_suites_own_threads() -> None:
    share, first, done = FairShare(threads=lambda: 1), threading.Event(), []
    started = threading.Event()

    def take_long() -> None:
        started.set()
        first.wait(10)

    with ThreadPoolExecutor(2) as threads:
        threads.submit(share.run, BUSY, take_long)
        started.wait(5)
        for number in range(3):
            share.run(BUSY, lambda number=number: done.append(number))
        assert done == []
        first.set()

    assert done == [0, 1, 2]


def test_a_job_that_fails_keeps_the_others_from_nothing() -> None:
    share, done = FairShare(threads=lambda: 1), []

    def fail() -> None:
        share.run(BUSY, fail_too)
        share.run(BUSY, lambda: done.append("aside"))
        raise RuntimeError("of the first")

    def fail_too() -> None:
        raise RuntimeError("of one that stood aside")

    with pytest.raises(RuntimeError, match="of the first"):
        share.run(BUSY, fail)
    share.run(BUSY, lambda: done.append("afterwards"))

    assert done == ["aside", "afterwards"]


def test_what_stood_aside_for_long_is_left_to_whoever_is_given_it_next() -> None:
    clock, done = StillClock(), []
    share = FairShare(threads=lambda: 1, clock=clock)

    def take_long() -> None:
        share.run(BUSY, lambda: done.append("old"))
        clock.now += 9
        share.run(BUSY, lambda: done.append("new"))
        clock.now += 2

    share.run(BUSY, take_long)

    assert done == ["new"]
