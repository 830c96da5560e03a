"""
The book of the whole fleet: kept in Redis, or in the process while Redis is away.

Redis is asked once for a call. When it does not answer within milliseconds, the process goes on by itself
and tries again some seconds later: losing count for a while is better than losing calls.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from dingtalk.client.discipline import scripts
from dingtalk.client.discipline.book import (
    BAN_CODE,
    FORGET_FAILURES_SECONDS,
    LONGEST_GROWN_PAUSE_SECONDS,
    REMEMBER_BAN_SECONDS,
    REMEMBER_PAUSE_SECONDS,
    BookState,
    BreakerRule,
    Broken,
    Full,
    Go,
    Question,
    Rest,
    Verdict,
)
from dingtalk.client.discipline.local_book import LocalBook
from dingtalk.client.discipline.scopes import EVERYTHING_KEY

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

TIMEOUT_SECONDS = 0.05
# One call in so many seconds finds out whether Redis is back.
AWAY_SECONDS = 5.0
LOG_EVERY_SECONDS = 60.0
# One hash slot for all keys: a script may only use keys of one.
_PREFIX = "isv-portal:{dingtalk-calls}:"
_BAN_KEYS = (_PREFIX + "banned", _PREFIX + "banned-probe")
_GO, _REST, _FULL = 0, 1, 2


class SharedBook:
    """Scripts in Redis; `local` stands in for it, and knows the pauses that Redis told of."""

    def __init__(
        self,
        *,
        url: str,
        local: LocalBook,
        breaker: BreakerRule,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        redis = Redis.from_url(
            url,
            socket_connect_timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._ask = redis.register_script(scripts.ASK)
        self._pause = redis.register_script(scripts.PAUSE)
        self._failure = redis.register_script(scripts.FAILURE)
        self._success = redis.register_script(scripts.SUCCESS)
        self._state = redis.register_script(scripts.STATE)
        self._local = local
        self._rule = breaker
        self._clock = clock
        self._away_until = 0.0
        self._logged_at = -math.inf

    def ask(self, question: Question) -> Verdict:
        """Say whether a call may go out, and count it if so."""
        # A pause that is known needs no question: while an address is blocked, Redis has its peace too.
        known = self._local.rest(question)
        if known is not None:
            return known
        keys = [
            *_breaker_keys(question),
            *_BAN_KEYS,
            *(_PREFIX + "pause:" + key for key in question.pauses),
            *(_PREFIX + "calls:" + window.key for window in question.windows),
        ]
        arguments: list[int] = [self._rule.failures, _ms(self._rule.probe_seconds), len(question.pauses)]
        for window in question.windows:
            arguments += [window.limit, _ms(window.seconds)]
        return self._on_redis(
            lambda: self._verdict(question, self._ask(keys, arguments)),
            or_else=lambda: self._local.ask(question),
        )

    def pause(self, key: str, *, seconds: float, code: str) -> float:
        """Let a name rest, longer for each pause shortly before."""

        def on_redis() -> float:
            names = [_PREFIX + "pause:" + key, _PREFIX + "pauses-before:" + key]
            if code == BAN_CODE:
                names += _BAN_KEYS
            bounds = (LONGEST_GROWN_PAUSE_SECONDS, REMEMBER_PAUSE_SECONDS, REMEMBER_BAN_SECONDS)
            arguments: list[int | str] = [_ms(seconds), code, *(_ms(bound) for bound in bounds)]
            lasts = int(self._pause(names, arguments)) / 1000
            self._local.keep_pause(key, seconds=lasts, code=code)
            return lasts

        return self._on_redis(on_redis, or_else=lambda: self._local.pause(key, seconds=seconds, code=code))

    def note_failure(self, question: Question, *, was_probe: bool) -> bool:
        """Note that an endpoint gave no usable answer; True when it is left alone from now on."""
        arguments: list[int | str] = [
            self._rule.failures,
            _ms(self._rule.seconds),
            int(was_probe),
            _ms(FORGET_FAILURES_SECONDS),
            question.breaker,
            max(1, self._rule.failures_of_party) if question.party_breaker else 0,
        ]
        keys = [*_breaker_keys(question), _PREFIX + "broken"]
        return self._on_redis(
            lambda: bool(self._failure(keys, arguments)),
            or_else=lambda: self._local.note_failure(question, was_probe=was_probe),
        )

    def note_success(self, question: Question) -> None:
        """Note that an endpoint answers (again)."""
        self._local.note_success(question)
        keys = [*_breaker_keys(question), *_BAN_KEYS, _PREFIX + "broken"]
        self._on_redis(lambda: self._success(keys, [question.breaker]), or_else=lambda: None)

    def state(self) -> BookState:
        """Return what operators see."""

        def on_redis() -> BookState:
            left, names = self._state([_PREFIX + "pause:" + EVERYTHING_KEY, _PREFIX + "broken"])
            return BookState("redis", left / 1000, tuple(names))

        return self._on_redis(on_redis, or_else=self._local.state)

    def _verdict(self, question: Question, answer: Sequence[Any]) -> Verdict:
        kind, *rest = answer
        if kind == _GO:
            return Go(failures=rest[0], is_probe=bool(rest[1]))
        if kind == _REST:
            index, left, code = rest
            self._local.keep_pause(question.pauses[index], seconds=left / 1000, code=code)
            return Rest(index, left / 1000, code)
        return Full(rest[0], rest[1] / 1000) if kind == _FULL else Broken(rest[0] / 1000, bool(rest[1]))

    def _on_redis(self, operation: Callable[[], AnswerT], *, or_else: Callable[[], AnswerT]) -> AnswerT:
        now = self._clock()
        if now < self._away_until:
            return or_else()
        try:
            return operation()
        except (RedisError, OSError) as error:
            self._away_until = now + AWAY_SECONDS
            if now - self._logged_at >= LOG_EVERY_SECONDS:
                self._logged_at = now
                logger.warning(
                    "Redis is away: calls to DingTalk are counted in this process",
                    extra={"error": type(error).__name__},
                )
        return or_else()


def _breaker_keys(question: Question) -> list[str]:
    """Three keys of the endpoint, and three of the endpoint for the party: the same where none is known."""
    breakers = (question.breaker, question.party_breaker or question.breaker)
    return [f"{_PREFIX}{what}:{each}" for each in breakers for what in ("failures", "open", "probe")]


def _ms(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
