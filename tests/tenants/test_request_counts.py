"""Counting the requests of a key in several processes, with few words to the shared cache."""

from uuid import uuid4

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError

from tenants import limits
from tenants.request_counts import RequestCounts

MOST = 1000


@pytest.fixture(autouse=True)
def _fresh(monkeypatch, time_machine):
    cache.clear()
    limits._in_process.clear()
    monkeypatch.setattr(limits, "_availability", limits._Availability())
    time_machine.move_to("2026-11-20T09:00:00Z", tick=False)


@pytest.fixture
def key_id():
    return uuid4()


@pytest.fixture
def told(monkeypatch):
    """What is told to the shared cache: how many requests each time."""
    amounts = []
    increase = cache.incr

    def note(key, delta=1, **options):
        amounts.append(delta)
        return increase(key, delta, **options)

    monkeypatch.setattr(cache, "incr", note)
    return amounts


def count(process: RequestCounts, key_id, times: int, *, most: int = MOST) -> int:
    """Let a process count so many requests; how many of them were within the limit."""
    return sum(process.count(key_id, most=most).hits <= most for _ in range(times))


def test_a_burst_is_told_at_its_beginning_and_then_every_200_ms(key_id, told, time_machine):
    process = RequestCounts()

    count(process, key_id, 300)
    time_machine.shift(0.2)
    count(process, key_id, 300)

    assert told == [1, 300]


def test_alone_a_process_lets_exactly_the_limit_through(key_id):
    assert count(RequestCounts(), key_id, 3 * MOST) == MOST


@pytest.mark.parametrize("most", [1, 3, 10])
def test_a_low_limit_is_exact_from_the_first_request_on(key_id, most):
    one, other = RequestCounts(), RequestCounts()

    assert count(one, key_id, 20, most=most) + count(other, key_id, 20, most=most) == most


def test_of_several_processes_that_take_turns_none_knows_less_than_all_told_200_ms_ago(key_id, time_machine):
    processes = [RequestCounts() for _ in range(4)]
    passed = 0

    for _ in range(40):
        passed += sum(count(process, key_id, 20) for process in processes)
        time_machine.shift(0.2)

    # 4 processes of 100 requests a second each: at most 3 · 100 / 5 beyond the limit.
    assert MOST <= passed <= MOST + 60


def test_what_is_refused_already_is_told_to_nobody(key_id, told):
    process = RequestCounts()
    count(process, key_id, 2 * MOST)
    told.clear()

    assert count(process, key_id, 500) == 0

    assert told == []


def test_a_new_minute_begins_at_one(key_id, time_machine):
    process = RequestCounts()
    count(process, key_id, 2 * MOST)
    time_machine.shift(59.5)
    assert process.count(key_id, most=MOST) == limits.Count(hits=MOST + 1, seconds_left=1)
    time_machine.shift(0.5)

    assert process.count(key_id, most=MOST) == limits.Count(hits=1, seconds_left=60)


def test_a_cache_that_goes_away_lets_nobody_begin_anew(key_id, monkeypatch, time_machine):
    process = RequestCounts()
    count(process, key_id, 600)

    def fail(*_args, **_options):
        raise RedisConnectionError("refused")

    monkeypatch.setattr(cache, "add", fail)
    time_machine.shift(1)

    assert count(process, key_id, 600) == 400
