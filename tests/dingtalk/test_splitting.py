"""From a push to its events."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from dingtalk.models import EventState, ReceivedEvent, ReceivedPush
from dingtalk.splitting import split_push
from tests.support.callbacks import (
    CORP_ID,
    PLATFORM_TIME_MS,
    SUITE_KEY,
    Callbacks,
    sync_push,
    sync_row,
    ticket_push,
)
from tests.support.protocol_fixtures import load_event

HOUR_MS = 3_600_000


def split_all() -> None:
    for push in ReceivedPush.objects.filter(split_at=None).order_by("id"):
        assert split_push(push.pk, now=timezone.now())


def receive(callbacks: Callbacks, *documents: dict[str, Any] | bytes) -> list[ReceivedEvent]:
    """Push, split, and return the events in order of arrival."""
    for document in documents:
        assert callbacks.is_acknowledged(callbacks.push(document))
    split_all()
    return list(ReceivedEvent.objects.order_by("id"))


def user(name: str, *, hours: float = 0, **changes: Any) -> dict[str, Any]:
    data = {"syncAction": "user_modify_org", "name": name}
    return sync_row(data, gmt_modified=int(PLATFORM_TIME_MS + hours * HOUR_MS), **changes)


def test_a_sync_push_becomes_one_event_for_each_row(callbacks: Callbacks) -> None:
    push = sync_push(user("one", biz_id="1"), user("two", biz_id="2", corp_id="dingother"))

    first, second = receive(callbacks, push)

    assert (first.event_type, first.corp_id, first.biz_type, first.biz_id) == (
        "user_modify_org",
        CORP_ID,
        13,
        "1",
    )
    assert first.platform_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert second.corp_id == "dingother"
    assert second.data()["name"] == "two"
    assert second.state == EventState.PENDING


def test_a_legacy_push_becomes_one_event(callbacks: Callbacks) -> None:
    (event,) = receive(callbacks, {**load_event("legacy_tmp_auth_code"), "SuiteKey": SUITE_KEY})

    assert event.event_type == "tmp_auth_code"
    assert event.data()["AuthCode"] == "sampleTmpAuthCode0001"


def test_a_push_is_split_once(callbacks: Callbacks) -> None:
    callbacks.push(load_event("org_suite_auth"))
    push = ReceivedPush.objects.get()

    assert split_push(push.pk, now=timezone.now())
    assert not split_push(push.pk, now=timezone.now())
    assert ReceivedEvent.objects.count() == 1


def test_events_that_are_split_again_after_a_restore_are_the_same_to_tenant_apps(
    callbacks: Callbacks,
) -> None:
    push = sync_push(*[user("one", biz_id=str(number)) for number in range(30)])
    before = [event.pk for event in receive(callbacks, push)]

    ReceivedEvent.objects.all().delete()
    ReceivedPush.objects.update(split_at=None)
    split_all()

    assert [event.pk for event in ReceivedEvent.objects.order_by("id")] == before
    assert list(ReceivedEvent.objects.order_by("id").values_list("biz_id", flat=True))[:3] == ["0", "1", "2"]


def test_an_event_in_two_pushes_is_stored_once(callbacks: Callbacks) -> None:
    # Encrypted anew, so that these are two pushes; the row's id changes when it is written again.
    receive(callbacks, sync_push(user("one", id=1)), sync_push(user("one", id=2), user("one", id=3)))

    assert ReceivedPush.objects.count() == 2
    assert ReceivedEvent.objects.count() == 1


def test_an_unparsable_push_becomes_one_dead_event(callbacks: Callbacks) -> None:
    (event,) = receive(callbacks, b"\xffno json")

    assert event.state == EventState.DEAD
    assert event.last_error
    assert "no json" in event.data()["unreadable"]


def test_one_bad_row_is_dead_and_the_others_wait(callbacks: Callbacks) -> None:
    good, bad = user("good"), user("bad", biz_id="2", biz_data="{")

    events = receive(callbacks, sync_push(good, bad, user("also good", biz_id="3")))

    assert [event.state for event in events] == [EventState.PENDING, EventState.DEAD, EventState.PENDING]
    assert "biz_data" in events[1].last_error


def test_a_grant_that_names_another_company_than_its_row_is_dead(callbacks: Callbacks) -> None:
    document = load_event("org_suite_auth")
    document["bizData"][0]["corp_id"] = "dingother"

    (event,) = receive(callbacks, document)

    assert event.state == EventState.DEAD


def test_a_newer_state_supersedes_a_waiting_older_one(callbacks: Callbacks) -> None:
    old, new = receive(callbacks, sync_push(user("old")), sync_push(user("new", hours=1)))

    assert old.state == EventState.SUPERSEDED
    assert old.note
    assert new.state == EventState.PENDING


def test_an_older_state_that_arrives_late_is_superseded_at_once(callbacks: Callbacks) -> None:
    receive(callbacks, sync_push(user("new", hours=1)))
    ReceivedEvent.objects.update(state=EventState.HANDLED)

    new, old = receive(callbacks, sync_push(user("old")))

    assert new.state == EventState.HANDLED
    assert old.state == EventState.SUPERSEDED


def test_within_one_push_only_the_newest_state_waits(callbacks: Callbacks) -> None:
    push = sync_push(user("middle", hours=1), user("new", hours=2), user("old"))

    events = receive(callbacks, push)

    waiting = [event.data()["name"] for event in events if event.state == EventState.PENDING]
    assert waiting == ["new"]


def test_states_of_different_objects_leave_each_other_alone(callbacks: Callbacks) -> None:
    events = receive(
        callbacks,
        sync_push(user("one")),
        sync_push(user("another user", hours=1, biz_id="user0002")),
        sync_push(user("another company", hours=1, corp_id="dingother")),
        sync_push(user("another kind", hours=1, biz_type=14)),
        sync_push(user("no object", hours=1, biz_id=""), user("no object either", hours=2, biz_id="")),
    )

    assert {event.state for event in events} == {EventState.PENDING}


def test_authorisations_app_states_and_tickets_are_never_superseded(callbacks: Callbacks) -> None:
    for biz_type in (2, 4, 7):
        rows = [
            sync_row({"syncAction": action}, biz_type=biz_type, gmt_modified=PLATFORM_TIME_MS + hours)
            for hours, action in enumerate(("org_suite_auth", "org_suite_relieve", "org_suite_change"))
        ]
        receive(callbacks, *(sync_push(row) for row in rows))

    assert ReceivedEvent.objects.filter(state=EventState.PENDING).count() == 9


def test_a_state_that_is_being_handled_is_not_superseded(callbacks: Callbacks) -> None:
    receive(callbacks, sync_push(user("old")))
    ReceivedEvent.objects.update(lease_until=timezone.now() + timedelta(minutes=1))

    old, new = receive(callbacks, sync_push(user("new", hours=1)))

    assert old.state == new.state == EventState.PENDING


def test_a_time_in_the_far_future_is_replaced_and_noted(callbacks: Callbacks) -> None:
    (event,) = receive(callbacks, sync_push(user("future", gmt_create=0, hours=24 * 365 * 60)))

    assert event.platform_time == event.received_at
    assert "future" in event.note


def test_a_time_that_is_missing_is_replaced(callbacks: Callbacks) -> None:
    (event,) = receive(callbacks, {"EventType": "odd", "CorpId": CORP_ID})

    assert event.platform_time == event.received_at


def test_a_ticket_is_an_event_too(callbacks: Callbacks) -> None:
    (event,) = receive(callbacks, ticket_push("ticket-0001"))

    assert event.event_type == "suite_ticket"
    assert event.state == EventState.PENDING


def test_a_push_of_a_thousand_rows_is_split(callbacks: Callbacks) -> None:
    rows = [user(f"user {number}", biz_id=f"user{number}") for number in range(1000)]

    events = receive(callbacks, sync_push(*rows))

    assert len(events) == 1000
    assert {event.state for event in events} == {EventState.PENDING}


def test_hostile_documents_become_events_of_some_kind(callbacks: Callbacks) -> None:
    documents = [
        {"EventType": "nul\x00type", "CorpId": "\x00"},
        {"EventType": "SYNC_HTTP_PUSH_HIGH"},
        {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [None, 1, "x", [], {}]},
        sync_push(user("nul\x00", biz_id="x" * 500), user("big", biz_type=2**40)),
        sync_push(sync_row({"syncAction": "x" * 5000, "deep": json.loads("[" * 40 + "]" * 40)})),
    ]

    events = receive(callbacks, *documents)

    assert len(events) >= len(documents)
    assert not ReceivedPush.objects.filter(split_at=None).exists()
