import json
from datetime import datetime
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.utils import timezone

from dingtalk.inbox import split_push
from dingtalk.models import EventState, PushSource, ReceivedEvent, ReceivedPush, Suite, SuiteTicket
from dingtalk.protocol.json_guard import canonical_json
from dingtalk.stream.receiving import store_frame
from tests.support.callbacks import Callbacks, make_suite
from tests.support.locked_database import held_up


@pytest.fixture
def suite(db: None) -> Suite:
    """A suite whose callbacks are verified too."""
    return make_suite()


def frame(event_type: str, data: Any, **headers: Any) -> dict[str, Any]:
    given = {
        "eventType": event_type,
        "eventId": "event-1",
        "eventCorpId": "dingcorp00000001",
        "eventBornTime": "1700000000000",
        "messageId": "message-1",
        **headers,
    }
    return {"type": "EVENT", "headers": given, "data": data if isinstance(data, str) else json.dumps(data)}


def store(suite: Suite, document: dict[str, Any], *, at: datetime | None = None) -> bool:
    return store_frame(
        document, suite_id=suite.pk, suite_key=suite.suite_key, received_at=at or timezone.now()
    )


def split_all() -> None:
    for push_id in ReceivedPush.objects.filter(split_at=None).values_list("pk", flat=True):
        split_push(push_id, now=timezone.now())


def test_a_frame_is_stored_encrypted_and_becomes_an_event(suite):
    assert store(suite, frame("user_add_org", {"userId": ["zhang"]}))

    split_all()
    push, event = ReceivedPush.objects.get(), ReceivedEvent.objects.get()
    assert push.source == PushSource.STREAM
    assert (event.event_type, event.corp_id, event.state) == (
        "user_add_org",
        "dingcorp00000001",
        EventState.PENDING,
    )
    assert event.data() == {"userId": ["zhang"]}


def test_a_frame_that_comes_again_is_stored_once_and_counted(suite):
    again = frame("user_add_org", {}, messageId="message-2", time="1700000099999")

    assert [store(suite, frame("user_add_org", {})), store(suite, again), store(suite, again)] == [
        True,
        False,
        False,
    ]
    assert ReceivedPush.objects.get().repeats == 2


def test_an_event_that_comes_by_callback_and_by_stream_is_one_event(suite, callbacks: Callbacks):
    callbacks.push(
        {"EventType": "org_suite_relieve", "CorpId": "dingcorp00000001", "eventId": "event-1", "TimeStamp": 1}
    )
    store(suite, frame("org_suite_relieve", {}))

    split_all()

    assert ReceivedPush.objects.count() == 2
    assert ReceivedEvent.objects.count() == 1


def test_a_ticket_that_comes_twice_is_stored_once(suite):
    for _ in range(2):
        store(suite, frame("suite_ticket", {"suiteTicket": "ticket-1"}))

    assert SuiteTicket.objects.get().ticket == "ticket-1"


@pytest.mark.parametrize("document", [{"type": "EVENT"}, frame("user_add_org", "no json")])
def test_what_cannot_be_read_is_kept_as_dead(suite, document):
    store(suite, document)

    split_all()

    assert ReceivedEvent.objects.get().state == EventState.DEAD


def test_what_was_stored_and_can_no_longer_be_read_is_kept_as_dead(suite):
    body = canonical_json([1])
    ReceivedPush.objects.create(
        suite=suite, digest="d" * 64, source=PushSource.STREAM, received_at=timezone.now(), body=body
    )

    split_all()

    assert ReceivedEvent.objects.get().state == EventState.DEAD


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_held_up_is_an_error_in_time(suite):
    with held_up() as watch, pytest.raises(DatabaseError):
        store(suite, frame("user_add_org", {}))

    assert watch.seconds < 2.5
    assert not ReceivedPush.objects.exists()
