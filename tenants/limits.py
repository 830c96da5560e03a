"""
Counting and remembering for a short while: in the shared cache, or in this process while that is away.

Nothing here is a promise: a lost count lets a few more requests through, and no request fails for it.
"""

import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.core.cache import BaseCache, cache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

# While the cache is away only one request in so many seconds finds out whether it is back.
AWAY_SECONDS = 5.0
_CACHE_IS_AWAY = (RedisError, OSError)
_KNOWN_SECONDS = 60
_MOST_KNOWN = 10_000


@dataclass(frozen=True)
class Count:
    """How often something happened in the current window, and when the next window begins."""

    hits: int
    seconds_left: int


def name_of(*parts: object) -> str:
    """Return a short name made of parts that others choose: none can be read from it or forged with it."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def count(name: str, *, window_seconds: int, by: int = 1) -> Count:
    """Count so many more of something, and return how many there were in this window."""
    now = time.time()
    key = f"count:{name}:{int(now // window_seconds)}"
    hits = _on_cache(lambda store: _increment(store, key, by, window_seconds))
    return Count(hits=hits, seconds_left=seconds_left(now, window_seconds=window_seconds))


def seconds_left(now: float, *, window_seconds: int) -> int:
    """Return in how many whole seconds the next window begins, at least one."""
    return max(1, math.ceil((now // window_seconds + 1) * window_seconds - now))


def claim(name: str, *, seconds: int) -> bool:
    """Remember something; False when it was remembered already."""
    return _on_cache(lambda store: bool(store.add(f"claim:{name}", 1, timeout=seconds)))


def claim_seldom(name: str, *, seconds: int) -> bool:
    """
    Remember something for long; False when it was remembered already.

    What was found remembered is believed for a minute without asking the shared cache again.
    """
    now = time.time()
    if _known.get(name, 0.0) > now:
        return False
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[name] = now + min(seconds, _KNOWN_SECONDS)
    return claim(name, seconds=seconds)


def is_claimed(name: str) -> bool:
    """Tell whether something is still remembered."""
    return _on_cache(lambda store: store.get(f"claim:{name}") is not None)


def release(name: str) -> None:
    """Forget what was remembered."""
    _on_cache(lambda store: store.delete(f"claim:{name}"))


def _increment(store: BaseCache, key: str, by: int, window_seconds: int) -> int:
    store.add(key, 0, timeout=2 * window_seconds)
    try:
        return int(store.incr(key, by))
    except ValueError:
        # Evicted between the two calls.
        return by


class _Availability:
    """Whether the shared cache is worth a try, as this process last saw it."""

    def __init__(self) -> None:
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def note_failure(self) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS


_availability = _Availability()
_known: dict[str, float] = {}
_in_process = LocMemCache("limits", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


def _on_cache(operation: Callable[[BaseCache], AnswerT]) -> AnswerT:
    if _availability.is_away:
        return operation(_in_process)
    try:
        return operation(cache)
    except _CACHE_IS_AWAY as error:
        _availability.note_failure()
        logger.warning(
            "The cache is away, limits are counted in the process", extra={"error": type(error).__name__}
        )
        return operation(_in_process)
