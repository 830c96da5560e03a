"""The book of one process: for a portal without Redis, and while Redis is away."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from dingtalk.client.discipline.book import (
    BAN_CODE,
    FORGET_FAILURES_SECONDS,
    PARTY_SEPARATOR,
    PROBE_WAIT_SECONDS,
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
    Window,
    grown_pause,
)
from dingtalk.client.discipline.expiring import Expiring
from dingtalk.client.discipline.scopes import EVERYTHING_KEY

# The name of our address among probes; no endpoint has it.
_BAN = "our address"


class LocalBook:
    """Dictionaries under one lock; `clock` counts seconds and never goes back."""

    def __init__(self, *, breaker: BreakerRule, clock: Callable[[], float] = time.monotonic) -> None:
        self._rule = breaker
        self._clock = clock
        self._lock = Lock()
        self._pauses: Expiring[str] = Expiring()
        self._pauses_before: Expiring[int] = Expiring()
        self._calls: Expiring[deque[float]] = Expiring()
        self._failures: Expiring[int] = Expiring()
        self._broken: Expiring[None] = Expiring()
        self._probes: Expiring[None] = Expiring()
        self._bans: Expiring[None] = Expiring()

    def ask(self, question: Question) -> Verdict:
        """Say whether a call may go out, and count it if so."""
        with self._lock:
            now = self._clock()
            return (
                self._rest(question, now)
                or self._rest_for_probe(now)
                or self._broken_or_probed(question, now)
                or self._full(question.windows, now)
                or self._go(question, now)
            )

    def rest(self, question: Question) -> Rest | None:
        """Return the longest pause that concerns a call, or None."""
        with self._lock:
            return self._rest(question, self._clock())

    def pause(self, key: str, *, seconds: float, code: str) -> float:
        """Let a name rest, longer for each pause shortly before."""
        with self._lock:
            now = self._clock()
            left = self._pauses.seconds_left(key, now=now)
            if left <= 0:
                before = self._pauses_before.get(key, now=now) or 0
                seconds = grown_pause(seconds, pauses_before=before)
                until = now + seconds + REMEMBER_PAUSE_SECONDS
                self._pauses_before.put(key, before + 1, until=until, now=now)
            if seconds > left:
                self._pauses.put(key, code, until=now + seconds, now=now)
            seconds = max(seconds, left)
            if code == BAN_CODE:
                self._bans.put(_BAN, None, until=now + seconds + REMEMBER_BAN_SECONDS, now=now)
                self._probes.drop(_BAN)
            return seconds

    def keep_pause(self, key: str, *, seconds: float, code: str) -> None:
        """Take over a pause that was decided elsewhere."""
        with self._lock:
            now = self._clock()
            self._pauses.put(key, code, until=now + seconds, now=now)

    def note_failure(self, question: Question, *, was_probe: bool) -> bool:
        """Note that an endpoint gave no usable answer; True when it is left alone from now on."""
        with self._lock:
            now = self._clock()
            counts_for_all = True
            if party := question.party_breaker:
                counts_for_all = self._count_failure(party, now) <= self._rule.failures_of_party
                self._break(party, now, was_probe=was_probe)
            if counts_for_all:
                self._count_failure(question.breaker, now)
            return self._break(question.breaker, now, was_probe=was_probe)

    def note_success(self, question: Question) -> None:
        """Note that an endpoint answers (again)."""
        with self._lock:
            for kept in (self._failures, self._broken, self._probes):
                for breaker in _breakers(question):
                    kept.drop(breaker)
            self._bans.drop(_BAN)
            self._probes.drop(_BAN)

    def state(self) -> BookState:
        """Return what operators see."""
        with self._lock:
            now = self._clock()
            return BookState(
                kept_in="process",
                everything_rests_seconds=self._pauses.seconds_left(EVERYTHING_KEY, now=now),
                broken=tuple(name for name in self._broken.names(now=now) if PARTY_SEPARATOR not in name),
            )

    def _rest(self, question: Question, now: float) -> Rest | None:
        longest: Rest | None = None
        for index, key in enumerate(question.pauses):
            left = self._pauses.seconds_left(key, now=now)
            if left > (longest.seconds if longest else 0):
                longest = Rest(index, left, self._pauses.get(key, now=now) or "")
        return longest

    def _rest_for_probe(self, now: float) -> Rest | None:
        """Return how long to wait for the one call that finds out whether our address is still blocked."""
        left = self._probes.seconds_left(_BAN, now=now) if self._is_banned(now) else 0
        return Rest(0, min(left, PROBE_WAIT_SECONDS), BAN_CODE) if left > 0 else None

    def _is_banned(self, now: float) -> bool:
        return self._bans.seconds_left(_BAN, now=now) > 0

    def _broken_or_probed(self, question: Question, now: float) -> Broken | None:
        for breaker in _breakers(question):
            for_party = breaker == question.party_breaker
            if left := self._broken.seconds_left(breaker, now=now):
                return Broken(left, for_party)
            if self._is_suspect(breaker, now) and (left := self._probes.seconds_left(breaker, now=now)):
                return Broken(min(left, PROBE_WAIT_SECONDS), for_party)
        return None

    def _count_failure(self, breaker: str, now: float) -> int:
        failures = (self._failures.get(breaker, now=now) or 0) + 1
        self._failures.put(breaker, failures, until=now + FORGET_FAILURES_SECONDS, now=now)
        return failures

    def _break(self, breaker: str, now: float, *, was_probe: bool) -> bool:
        if was_probe:
            self._probes.drop(breaker)
        if not self._is_suspect(breaker, now) or self._broken.seconds_left(breaker, now=now):
            return False
        self._broken.put(breaker, None, until=now + self._rule.seconds, now=now)
        return True

    def _is_suspect(self, breaker: str, now: float) -> bool:
        return 0 < self._rule.failures <= (self._failures.get(breaker, now=now) or 0)

    def _full(self, windows: tuple[Window, ...], now: float) -> Full | None:
        """A window is full when its limit-th last call is not old enough yet."""
        fullest: Full | None = None
        for index, window in enumerate(windows):
            calls = self._calls.get(window.key, now=now)
            if calls is None or len(calls) < window.limit_alone:
                continue
            left = calls[0] + window.seconds - now
            if left > (fullest.seconds if fullest else 0):
                fullest = Full(index, left)
        return fullest

    def _go(self, question: Question, now: float) -> Go:
        for window in question.windows:
            calls = self._calls.get(window.key, now=now)
            if calls is None:
                calls = deque(maxlen=window.limit_alone)
            calls.append(now)
            self._calls.put(window.key, calls, until=now + window.seconds, now=now)
        suspects = [breaker for breaker in _breakers(question) if self._is_suspect(breaker, now)]
        for breaker in suspects:
            self._probes.put(breaker, None, until=now + self._rule.probe_seconds, now=now)
        if self._is_banned(now):
            suspects.append(_BAN)
            self._probes.put(_BAN, None, until=now + self._rule.probe_seconds, now=now)
        failures = max(self._failures.get(breaker, now=now) or 0 for breaker in _breakers(question))
        return Go(failures, is_probe=bool(suspects))


def _breakers(question: Question) -> tuple[str, ...]:
    return (question.breaker, question.party_breaker) if question.party_breaker else (question.breaker,)
