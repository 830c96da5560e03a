"""Every documented event, pushed as DingTalk pushes it, ends up as a row that says what it is."""

from typing import Any

import pytest
from django.utils import timezone

from dingtalk import inbox
from dingtalk.inbox import SUITE_TICKET, handle_lane, split_push
from dingtalk.models import WAITING_STATES, EventState, ReceivedEvent, ReceivedPush
from dingtalk.protocol.event_catalogue import EventEntry, Priority
from dingtalk.routing import Router
from tests.dingtalk.protocol.test_event_catalogue import LEGACY, ROWS
from tests.support.callbacks import CORP_ID, PLATFORM_TIME_MS, SUITE_KEY, Callbacks, sync_row

FOR_TENANT_APPS = "known, for tenant apps"
UNKNOWN = "unknown: DingTalk's documents do not name this event"


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "routes", Router())


def receive(callbacks: Callbacks, *documents: dict[str, Any]) -> list[ReceivedEvent]:
    """Push, split and handle everything; return the events in order of arrival."""
    for document in documents:
        assert callbacks.is_acknowledged(callbacks.push(document))
    for push in ReceivedPush.objects.filter(split_at=None).order_by("id"):
        split_push(push.pk, now=timezone.now())
    waiting = ReceivedEvent.objects.filter(state__in=WAITING_STATES).order_by("platform_time", "id")
    while (first := waiting.first()) is not None:
        handle_lane(first.pk)
    return list(ReceivedEvent.objects.order_by("id"))


def row(entry: EventEntry, number: int) -> dict[str, Any]:
    data = {"syncAction": entry.name}
    return sync_row(data, biz_type=entry.biz_type, biz_id=f"object{number}", id=number)


def outcome(event: ReceivedEvent) -> tuple[str, bool, str, str]:
    return event.event_type, event.is_known, event.state, event.note


def expected(name: str) -> tuple[str, bool, str, str]:
    if name == SUITE_TICKET:
        return name, True, EventState.HANDLED, ""
    return name, True, EventState.IGNORED, FOR_TENANT_APPS


@pytest.mark.parametrize("channel", list(Priority))
def test_every_row_of_a_channel_is_kept_as_known(callbacks: Callbacks, channel: Priority) -> None:
    entries = [entry for entry in ROWS if channel in entry.priorities]
    rows = [row(entry, number) for number, entry in enumerate(entries)]

    events = receive(callbacks, {"EventType": f"SYNC_HTTP_PUSH_{channel.upper()}", "bizData": rows})

    assert [outcome(event) for event in events] == [expected(entry.name) for entry in entries]
    assert [event.biz_type for event in events] == [entry.biz_type for entry in entries]
    assert len(entries) > 10


def test_every_legacy_event_is_kept_as_known(callbacks: Callbacks) -> None:
    documents = [
        {"EventType": entry.name, "SuiteKey": SUITE_KEY, "CorpId": CORP_ID, "TimeStamp": PLATFORM_TIME_MS}
        for entry in LEGACY
    ]

    events = receive(callbacks, *documents)

    assert [outcome(event) for event in events] == [expected(entry.name) for entry in LEGACY]


@pytest.mark.parametrize(
    "document",
    [
        {"EventType": "unheard_of", "CorpId": CORP_ID},
        {"EventType": "SYNC_HTTP_PUSH_MEDIUM", "bizData": [sync_row({"syncAction": "unheard_of"})]},
        {
            "EventType": "SYNC_HTTP_PUSH_LOW",
            "bizData": [sync_row({"syncAction": "unheard_of"}, biz_type=777)],
        },
    ],
)
def test_an_unknown_event_is_acknowledged_kept_and_shown_as_unknown(
    callbacks: Callbacks, document: dict[str, Any]
) -> None:
    [event] = receive(callbacks, document)

    assert outcome(event) == ("unheard_of", False, EventState.IGNORED, UNKNOWN)
    assert event.payload
