"""Gates whose clock stands still, calls to pass them, and refusals that teach them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dingtalk.client.call import Call, Family, Request
from dingtalk.client.discipline import Gate, Limits
from dingtalk.client.discipline.book import Book, BreakerRule
from dingtalk.client.discipline.local_book import LocalBook
from dingtalk.protocol.error_table import classify
from dingtalk.protocol.errors import HeldBack, RateLimited

SUITE_KEY, CORP_ID, ENDPOINT = "suite1", "ding1", "/topapi/v2/user/get"
PLENTY = Limits(calls_per_second=0, calls_per_20_seconds=0, calls_per_second_per_api=0)
PROBE_SECONDS = 30.0


@dataclass
class StillClock:
    """Time that passes when it is told to, or when somebody sleeps."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def rule_of(limits: Limits) -> BreakerRule:
    return BreakerRule(limits.breaker_failures, limits.breaker_seconds, PROBE_SECONDS)


def still_gate(clock: StillClock, limits: Limits = PLENTY, **options: Any) -> Gate:
    """A gate with a book in this process, at the clock's time."""
    return Gate(
        limits=limits, book=LocalBook(breaker=rule_of(limits), clock=clock), sleep=clock.sleep, **options
    )


def gate_of(book: Book, limits: Limits = PLENTY) -> Gate:
    return Gate(limits=limits, book=book)


def request_of(
    endpoint: str = ENDPOINT,
    *,
    suite_key: str = SUITE_KEY,
    corp_id: str = CORP_ID,
    family: Family = Family.OLD,
) -> Request:
    return Request(Call(endpoint, family=family), suite_key=suite_key, corp_id=corp_id)


def refusal(code: str, *, http_status: int = 200, sub_code: str = "") -> RateLimited:
    error = classify(
        endpoint=ENDPOINT, code=code, http_status=http_status, sub_code=sub_code, request_id="r-1"
    )
    assert isinstance(error, RateLimited)
    return error


def held_back(call: Callable[[], Any]) -> HeldBack | None:
    """What keeps a call back, or None when it went out."""
    try:
        call()
    except HeldBack as error:
        return error
    return None


def calls_let_out(gate: Gate, request: Request, *, tries: int) -> int:
    return sum(held_back(lambda: gate.admit(request)) is None for _ in range(tries))
