"""
A token or ticket by the first of several calls that gives one.

DingTalk has two or three calls for most of them. The next one is tried only where the refusal is about the
call itself: a failure that would meet every call, or that nobody knows, must not multiply them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dingtalk.client import IssuedToken
from dingtalk.protocol.errors import ApiError, RateLimited, TicketRejected, Transient, TransportError
from dingtalk.protocol.refused import is_call_unknown
from tenants.errors import TicketMissing
from tenants.token_slots import Obtained


@dataclass(frozen=True)
class Way:
    """One call that gives it, and the name of the call in the token's row."""

    method: str
    ask: Callable[[], IssuedToken]


Refusal = ApiError | TransportError | TicketMissing


def is_about_the_call(refusal: Refusal) -> bool:
    """Tell whether another call may work: this one has no ticket that counts, or does not exist."""
    if isinstance(refusal, TicketMissing | TicketRejected):
        return True
    return isinstance(refusal, ApiError) and is_call_unknown(refusal)


def obtain_by_first(
    ways: Sequence[Way], *, passes_on: Callable[[Refusal], bool] = is_about_the_call
) -> Obtained:
    """
    Ask by each way until one gives it; the reason for leaving the first is kept with it.

    `passes_on` tells whether the next way is tried. Where none works, the first refusal is raised: it is
    about what the suite is set to. But a limit is raised at once, since it says when to ask again. Raises
    TicketMissing, DingTalkError.
    """
    first: Refusal | None = None
    for way in ways:
        try:
            issued = way.ask()
        except RateLimited:
            raise
        except (ApiError, TransportError, TicketMissing) as failure:
            first = _first_of(first, failure)
            if isinstance(failure, TransportError | Transient) or not passes_on(failure):
                raise first from None
        else:
            return Obtained(issued, method=way.method, fallback_reason=str(first or ""))
    raise first or ValueError("no way to ask")


def _first_of(first: Refusal | None, failure: Refusal) -> Refusal:
    """Keep the first; a missing ticket remembers that DingTalk was asked all the same, without one."""
    if isinstance(first, TicketMissing) and not isinstance(failure, TicketMissing):
        first.was_asked_without = True
    return first or failure
