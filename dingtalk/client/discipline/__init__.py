"""
Outbound discipline: no more calls than DingTalk allows, a pause where it wants one, and no knocking in vain.

One book for all processes where there is a Redis, else one for each; see `gate` for how it is used.
"""

from dingtalk.client.discipline.book import BookState, BreakerRule
from dingtalk.client.discipline.callers import on_behalf_of, with_patience
from dingtalk.client.discipline.gate import Admission, Gate
from dingtalk.client.discipline.limits import Limits
from dingtalk.client.discipline.local_book import LocalBook
from dingtalk.client.discipline.shared_book import SharedBook

__all__ = ["Admission", "BookState", "Gate", "Limits", "new_gate", "on_behalf_of", "with_patience"]

# Connecting may try three addresses, then comes the reading; a probe that takes longer than this is lost.
_PROBE_SECONDS = 30.0


def new_gate(*, limits: Limits | None = None, redis_url: str = "", processes: int = 1) -> Gate:
    """
    Return a gate with the book that fits: shared where there is a Redis, else of this process.

    `processes`: how many call DingTalk; without Redis each has its share of the limits.
    """
    limits = limits or Limits()
    rule = BreakerRule(limits.breaker_failures, limits.breaker_seconds, _PROBE_SECONDS)
    local = LocalBook(breaker=rule)
    book = SharedBook(url=redis_url, local=local, breaker=rule) if redis_url else local
    return Gate(limits=limits, book=book, processes=processes)
