"""Counting and remembering, with the shared cache and while it is away."""

import logging

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tenants import limits


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    cache.clear()
    limits._in_process.clear()
    monkeypatch.setattr(limits, "_availability", limits._Availability())


@pytest.fixture
def lose_cache(monkeypatch):
    """Let the shared cache fail in some way; returns how often it was tried."""
    tries = []

    def _lose_cache(error: Exception) -> list[str]:
        def fail(key, *_args, **_options):
            tries.append(key)
            raise error

        for method in ("add", "incr", "get", "delete"):
            monkeypatch.setattr(cache, method, fail)
        return tries

    return _lose_cache


def hits(name: str, times: int) -> list[int]:
    return [limits.count(name, window_seconds=60).hits for _ in range(times)]


def test_things_are_counted_by_name():
    assert hits("one", 3) == [1, 2, 3]
    assert hits("two", 1) == [1]


def test_a_new_window_begins_at_one(time_machine):
    time_machine.move_to("2026-11-20T09:00:50Z", tick=False)
    first = limits.count("one", window_seconds=60)
    limits.count("one", window_seconds=60)
    time_machine.shift(10)
    second = limits.count("one", window_seconds=60)

    assert (first.hits, first.seconds_left) == (1, 10)
    assert (second.hits, second.seconds_left) == (1, 60)


def test_something_is_claimed_once_until_it_is_released():
    assert limits.claim("one", seconds=60) is True
    assert limits.claim("one", seconds=60) is False
    assert limits.is_claimed("one") is True

    limits.release("one")

    assert limits.is_claimed("one") is False
    assert limits.claim("one", seconds=60) is True


@pytest.mark.parametrize(
    "error",
    [RedisConnectionError("refused"), RedisTimeoutError("timeout"), ConnectionResetError(), TimeoutError()],
    ids=lambda error: type(error).__name__,
)
def test_while_the_cache_is_away_the_process_counts(lose_cache, error):
    lose_cache(error)

    assert hits("one", 3) == [1, 2, 3]
    assert limits.claim("two", seconds=60) is True
    assert limits.claim("two", seconds=60) is False


def test_a_cache_that_is_away_is_tried_by_one_request_in_five_seconds(lose_cache, time_machine, caplog):
    time_machine.move_to("2026-11-20T09:00:00Z", tick=False)
    tries = lose_cache(RedisConnectionError("redis://:secret@10.0.0.7:6379"))
    caplog.set_level(logging.WARNING)

    hits("one", 10)

    assert len(tries) == 1
    assert caplog.text.count("The cache is away") == 1
    assert "10.0.0.7" not in caplog.text


def test_when_the_cache_is_back_it_counts_again(lose_cache, monkeypatch):
    tries = lose_cache(RedisConnectionError("refused"))
    hits("one", 1)
    monkeypatch.undo()
    limits._availability._away_until = 0.0

    assert hits("one", 2) == [1, 2]
    assert len(tries) == 1


def test_a_count_that_was_evicted_meanwhile_begins_at_one(monkeypatch):
    monkeypatch.setattr(cache, "add", lambda *_args, **_options: True)

    assert hits("one", 1) == [1]


def test_names_made_of_parts_cannot_be_forged_or_read():
    name = limits.name_of("suite", "corp")

    assert name != limits.name_of("suit", "ecorp")
    assert len(name) == 64 and "corp" not in name
