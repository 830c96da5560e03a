"""Received events, as if they had been split off a push, and handlers that note what they did."""

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from dingtalk.models import EventState, ReceivedEvent, Suite
from dingtalk.protocol.json_guard import canonical_json
from dingtalk.routing import Ignored
from tests.support.callbacks import CORP_ID

MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_numbers = itertools.count()


def make_event(
    suite: Suite, name: str = "", *, minutes: float = 0, event_type: str = "noted", **changes: Any
) -> ReceivedEvent:
    """An event that waits; `minutes`: its platform time after the morning."""
    moment = MORNING + timedelta(minutes=minutes)
    columns = {
        "identity": hashlib.sha256(str(next(_numbers)).encode()).hexdigest(),
        "event_type": event_type,
        "corp_id": CORP_ID,
        "platform_time": moment,
        "received_at": moment,
        "payload": canonical_json({"data": {"name": name}}),
    }
    return ReceivedEvent.objects.create(suite=suite, **{**columns, **changes})


def state_of(event: ReceivedEvent) -> EventState:
    """The event's state in the database now."""
    return EventState(ReceivedEvent.objects.values_list("state", flat=True).get(pk=event.pk))


class NotingHandler:
    """Handles events by noting their names; can be told to fail or to ignore."""

    def __init__(self) -> None:
        self.handled: list[str] = []
        self.failure: Exception | None = None
        self.outcome: Ignored | None = None

    def __call__(self, event: ReceivedEvent, *, now: datetime) -> Ignored | None:
        if self.failure is not None:
            raise self.failure
        self.handled.append(event.data()["name"])
        return self.outcome
