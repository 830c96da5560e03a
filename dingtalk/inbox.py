"""
Handling received events: each takes effect exactly once.

A handler's effect and its event's own state change commit together, fenced by the claim's epoch. A failure
is tried again after growing pauses; then the event is dead, and an operator can have it handled again.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import SystemRandom
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from dingtalk.errors import text_to_keep
from dingtalk.foundation.leases import DatabaseNow, holds_lease, lease_is_free
from dingtalk.lanes import claim_event, find_next
from dingtalk.models import WAITING_STATES, EventState, ReceivedEvent
from dingtalk.protocol.errors import ProtocolError
from dingtalk.routing import Ignored, nobody_handles, routes
from dingtalk.splitting import split_push
from dingtalk.version import VERSION

__all__ = ["handle_again", "handle_lane", "split_push"]

MAX_ATTEMPTS = 6
RETRY_PAUSES_SECONDS = (1, 5, 30, 120, 600)
RETRY_JITTER = 0.2
# A task ends after so much, so that one busy company does not keep a worker from the others.
EVENTS_PER_TASK = 50
SECONDS_PER_TASK = 20.0
# Of events that nobody handles, by one statement.
IGNORED_TOGETHER = 500

SUITE_TICKET = "suite_ticket"
_CAN_BE_HANDLED_AGAIN = (EventState.DEAD, EventState.FAILED, EventState.IGNORED, EventState.HANDLED)

logger = logging.getLogger(__name__)
_random = SystemRandom()


class _ClaimLost(Exception):
    """Another process has claimed the event since, or it has been superseded: no effect of ours counts."""


def handle_lane(event_id: UUID) -> None:
    """
    Handle an event and those after it in its lane, up to a bound.

    Does nothing when the event cannot be claimed now. Safe to call at any time, any number of times.
    """
    end = monotonic() + SECONDS_PER_TASK
    following: UUID | None = event_id
    for _ in range(EVENTS_PER_TASK):
        event = claim_event(following) if following else None
        if event is None or not _handle(event, now=timezone.now()) or monotonic() > end:
            return
        following = find_next(event)
        if following and not _is_handled(event.event_type):
            _ignore_others_like(event, now=timezone.now())
            following = find_next(event)


def handle_again(event_ids: Iterable[UUID]) -> int:
    """
    Put events back to be handled once more; return how many.

    Left out: those that wait or are being handled, that were superseded, that could not be read, and whose
    content has been removed.
    """
    chosen = ReceivedEvent.objects.filter(
        lease_is_free(), pk__in=list(event_ids), state__in=_CAN_BE_HANDLED_AGAIN, payload__isnull=False
    )
    return chosen.exclude(event_type="", biz_type__isnull=True).update(
        state=EventState.PENDING,
        attempts=0,
        next_attempt_at=None,
        dispatched_at=None,
        lease_until=None,
        handled_at=None,
        note=gettext_noop("handled again by an operator"),
    )


def _handle(event: ReceivedEvent, *, now: datetime) -> bool:
    """Handle a claimed event; return whether the lane can go on."""
    if event.attempts > MAX_ATTEMPTS:
        return _fail(event, error="the process that handled it died each time", is_final=True)
    try:
        with transaction.atomic():
            _lock_claimed(event)
            _finish(event, _run_handler(event, now=now), now=now)
    except _ClaimLost:
        logger.warning("event_claim_lost", extra=_log_fields(event))
        return False
    except Exception as error:
        logger.exception("event_failed", extra=_log_fields(event))
        is_final = event.attempts >= MAX_ATTEMPTS or isinstance(error, ProtocolError)
        return _fail(event, error=text_to_keep(error), is_final=is_final)
    return True


def _is_handled(event_type: str) -> bool:
    return event_type == SUITE_TICKET or routes.find_handler(event_type) is not None


def _ignore_others_like(event: ReceivedEvent, *, now: datetime) -> None:
    """
    Ignore what waits in the lane of an event and is handled by nobody either, for the same reason.

    They are most of what DingTalk pushes, and come by thousands. None of them has an effect, so their order
    does not matter. One that is claimed just now is left to whoever has claimed it.
    """
    alike = ReceivedEvent.objects.filter(
        lease_is_free(),
        suite_id=event.suite_id,
        corp_id=event.corp_id,
        state=EventState.PENDING,
        is_known=event.is_known,
    ).exclude(event_type__in=[*routes.handled_types(), SUITE_TICKET])
    some = alike.order_by("platform_time", "id").values("pk")[:IGNORED_TOGETHER]
    ignored = ReceivedEvent.objects.filter(lease_is_free(), state=EventState.PENDING, pk__in=some).update(
        state=EventState.IGNORED,
        note=nobody_handles(event).reason,
        handled_at=now,
        attempts=F("attempts") + 1,
        code_version=VERSION,
    )
    logger.info("events_ignored", extra={**_log_fields(event), "events": ignored})


def _run_handler(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    handler = routes.find_handler(event.event_type)
    if handler is not None:
        return handler(event, now=now)
    if event.event_type == SUITE_TICKET:
        # It was stored when it was received.
        return None
    return nobody_handles(event)


def _claimed(event: ReceivedEvent) -> QuerySet[ReceivedEvent]:
    """Match the event's row as long as our claim is the last one."""
    return ReceivedEvent.objects.filter(holds_lease(event.lease_epoch), pk=event.pk, state__in=WAITING_STATES)


def _lock_claimed(event: ReceivedEvent) -> None:
    """Keep others from claiming the row until the transaction ends, however long the handler takes."""
    if not _claimed(event).select_for_update().exists():
        raise _ClaimLost


def _finish(event: ReceivedEvent, outcome: Ignored | None, *, now: datetime) -> None:
    state = EventState.HANDLED if outcome is None else EventState.IGNORED
    note = event.note if outcome is None else outcome.reason
    changes: dict[str, Any] = {"state": state, "note": note[:200], "handled_at": now, "last_error": ""}
    if not _claimed(event).update(**changes, next_attempt_at=None, lease_until=None):
        raise _ClaimLost
    logger.info("event_finished", extra={**_log_fields(event), "state": state.value})


def _fail(event: ReceivedEvent, *, error: str, is_final: bool) -> bool:
    """Record a failure; return whether the lane can go on, which it can when this event is given up."""
    changes: dict[str, Any] = {
        "state": EventState.DEAD if is_final else EventState.FAILED,
        "next_attempt_at": None if is_final else DatabaseNow() + _pause_after(event.attempts),
        "last_error": error,
    }
    recorded = _claimed(event).update(**changes, lease_until=None, dispatched_at=None)
    if is_final:
        logger.error("event_dead", extra=_log_fields(event))
    return is_final and bool(recorded)


def _pause_after(attempts: int) -> timedelta:
    seconds = RETRY_PAUSES_SECONDS[min(attempts, len(RETRY_PAUSES_SECONDS)) - 1]
    return timedelta(seconds=seconds * _random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER))


def _log_fields(event: ReceivedEvent) -> dict[str, Any]:
    return {
        "event_id": str(event.pk),
        "event_type": event.event_type,
        "suite_key": event.suite.suite_key,
        "corp_id": event.corp_id,
        "attempts": event.attempts,
    }
