"""
The gate that every call to DingTalk passes: first may it go out, then what came of it.

Held back is a call when our own budget has no room for it, while DingTalk wants something to rest, and
while its endpoint gives no usable answer. What DingTalk answers teaches the gate, whichever process heard it.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from dingtalk.client.call import Request
from dingtalk.client.discipline.book import (
    BAN_CODE,
    PARTY_SEPARATOR,
    Book,
    BookState,
    Broken,
    Full,
    Go,
    Question,
    Rest,
    Window,
)
from dingtalk.client.discipline.callers import current_owner, current_patience
from dingtalk.client.discipline.held_back import HeldBackCalls
from dingtalk.client.discipline.limits import Limits
from dingtalk.client.discipline.scopes import SCOPES, Party, Scope, limited_scope
from dingtalk.protocol.errors import HeldBack, HoldReason, RateLimited

logger = logging.getLogger(__name__)

_BUDGET_SPAN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may go out: whose it is, what was asked, and what its answer means to the breaker."""

    party: Party
    question: Question
    failures: int
    is_probe: bool


class Gate:
    """One instance serves all threads of a process."""

    def __init__(
        self, *, limits: Limits, book: Book, processes: int = 1, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._limits = limits
        self._book = book
        self._sleep = sleep
        self._held_back = HeldBackCalls()
        self._budget = _budget(limits, limits.share(processes))

    def admit(self, request: Request) -> Admission:
        """
        Let a call out, after a wait where the caller has patience; raises HeldBack.

        What is let out has to be reported by one of the `note` methods.
        """
        party = _party(request)
        question = self._question(request, party)
        patience = current_patience()
        while True:
            verdict = self._book.ask(question)
            if isinstance(verdict, Go):
                return Admission(party, question, verdict.failures, verdict.is_probe)
            # Some more than asked for, so that those who wait do not all come back at once.
            wait = verdict.seconds * random.uniform(1.0, 1.2)  # noqa: S311 - spreads load, guards nothing
            if wait > patience:
                error = _refusal(request, question, verdict)
                self._held_back.note(error, party)
                raise error
            patience -= wait
            self._sleep(wait)

    def note_answer(self, admission: Admission) -> None:
        """Note that an answer came, whatever it says."""
        if admission.failures or admission.is_probe:
            self._book.note_success(admission.question)
            if admission.is_probe:
                logger.info("An endpoint of DingTalk answers again.", extra={"endpoint": admission.party.api})

    def note_no_answer(self, admission: Admission) -> None:
        """Note that no usable answer came: a time-out, a server error, a page."""
        if self._book.note_failure(admission.question, was_probe=admission.is_probe):
            logger.warning(
                "An endpoint of DingTalk is left alone: it gives no usable answer.",
                extra={"endpoint": admission.party.api, "seconds": self._limits.breaker_seconds},
            )

    def note_limit(self, admission: Admission, refusal: RateLimited) -> None:
        """Let rest what DingTalk has refused for too many calls; a blocked address tells of no endpoint."""
        if not refusal.ip_ban:
            self.note_answer(admission)
        scope = limited_scope(refusal)
        code = refusal.sub_code or refusal.code
        seconds = self._book.pause(
            admission.party.keys()[scope], seconds=refusal.retry_after_seconds, code=code
        )
        refusal.retry_after_seconds = max(refusal.retry_after_seconds, seconds)
        logger.warning(
            "DingTalk wants fewer calls.",
            extra={
                "code": code,
                "scope": scope.label,
                "seconds": round(seconds, 3),
                "endpoint": refusal.endpoint,
                "request_id": refusal.request_id,
                "suite_key": admission.party.suite_key,
                "corp_id": admission.party.corp_id,
            },
        )

    def state(self) -> BookState:
        """Return what operators see of the fleet."""
        return self._book.state()

    def held_back(self) -> dict[str, int]:
        """Return how many calls this process has held back, by reason."""
        return self._held_back.counts()

    def _question(self, request: Request, party: Party) -> Question:
        pauses = party.keys()
        windows = self._budget
        limit = self._limits.calls_per_second_per_api
        if limit and party.suite_key and party.corp_id:
            windows += (Window(pauses[-1], limit, limit, 1.0),)
        breaker = request.call.family.value + party.api
        owner = PARTY_SEPARATOR.join(("", party.suite_key, party.corp_id)) if party.corp_id else ""
        return Question(
            pauses=pauses, breaker=breaker, windows=windows, party_breaker=owner and breaker + owner
        )


def _budget(together: Limits, alone: Limits) -> tuple[Window, ...]:
    windows = (
        Window("second", together.calls_per_second, alone.calls_per_second, 1.0),
        Window("span", together.calls_per_20_seconds, alone.calls_per_20_seconds, _BUDGET_SPAN_SECONDS),
    )
    return tuple(window for window in windows if window.limit)


def _party(request: Request) -> Party:
    """Take from the request whom it is about, and what it does not say from who makes it."""
    suite_key, corp_id = request.suite_key, request.corp_id
    owner_suite_key, owner_corp_id = current_owner()
    if not suite_key or suite_key == owner_suite_key:
        suite_key, corp_id = owner_suite_key, corp_id or owner_corp_id
    return Party(suite_key, corp_id, request.call.endpoint)


def _refusal(request: Request, question: Question, verdict: Rest | Full | Broken) -> HeldBack:
    detail = ""
    match verdict:
        case Rest(index, _, code):
            reason = HoldReason.IP_BAN if code == BAN_CODE else HoldReason.COOL_DOWN
            scope, detail = SCOPES[index], code
        case Full(index, _):
            reason = HoldReason.BUDGET
            scope = SCOPES[-1] if question.windows[index].key == question.pauses[-1] else Scope.EVERYTHING
        case Broken(_, for_party):
            reason, scope = HoldReason.BREAKER, SCOPES[-1] if for_party else Scope.API
    return HeldBack(
        endpoint=request.call.endpoint,
        reason=reason,
        scope=scope.label,
        retry_after_seconds=verdict.seconds,
        detail=detail,
    )
