"""What is removed, and what never is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dingtalk import retention
from dingtalk.models import EventState, ReceivedEvent, ReceivedPush, Suite, SuiteTicket
from dingtalk.retention import prune
from tests.support.events import make_event

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def make_push(suite: Suite, *, days: float, is_split: bool = True, **changes: Any) -> ReceivedPush:
    columns = {
        "digest": f"{days}-{is_split}",
        "received_at": days_ago(days),
        "split_at": days_ago(days) if is_split else None,
        "body": b"{}",
    }
    return ReceivedPush.objects.create(suite=suite, **{**columns, **changes})


def make_ticket(suite: Suite, *, days: float) -> SuiteTicket:
    return SuiteTicket.objects.create(
        suite=suite, ticket="t", digest=str(days), platform_time=days_ago(days), received_at=days_ago(days)
    )


def finished(suite: Suite, *, days: float, state: EventState) -> ReceivedEvent:
    handled_at = None if state in {EventState.PENDING, EventState.DEAD} else days_ago(days)
    return make_event(suite, state=state, handled_at=handled_at, received_at=days_ago(days))


def test_a_push_loses_its_body_and_then_goes(suite: Suite) -> None:
    for days in (1, 8, 31):
        make_push(suite, days=days)

    removed = prune(now=NOW)

    young, old = ReceivedPush.objects.order_by("-received_at")
    assert young.body == b"{}"
    assert old.body is None
    assert (removed["push_bodies"], removed["pushes"]) == (2, 1)


def test_a_push_that_waits_to_be_split_stays_whole(suite: Suite) -> None:
    push = make_push(suite, days=400, is_split=False)

    prune(now=NOW)

    push.refresh_from_db()
    assert push.body == b"{}"


def test_an_event_outlives_its_push(suite: Suite) -> None:
    push = make_push(suite, days=31)
    event = make_event(suite, push=push)

    prune(now=NOW)

    event.refresh_from_db()
    assert event.push is None
    assert event.payload


def test_a_finished_event_loses_its_content_and_stays_known(suite: Suite) -> None:
    event = finished(suite, days=31, state=EventState.HANDLED)

    assert prune(now=NOW)["event_payloads"] == 1

    event.refresh_from_db()
    assert event.payload is None
    assert event.data() == {}


@pytest.mark.parametrize("state", [EventState.PENDING, EventState.FAILED, EventState.DEAD])
def test_an_event_that_is_not_finished_keeps_its_content(suite: Suite, state: EventState) -> None:
    event = finished(suite, days=400, state=state)

    prune(now=NOW)

    event.refresh_from_db()
    assert event.payload


def test_the_newest_tickets_stay_however_old(suite: Suite) -> None:
    tickets = [make_ticket(suite, days=100 + number) for number in range(12)]

    assert prune(now=NOW)["tickets"] == 2

    assert list(SuiteTicket.objects.all()) == tickets[:10]


def test_young_tickets_stay_however_many(suite: Suite) -> None:
    for number in range(12):
        make_ticket(suite, days=number)

    assert prune(now=NOW)["tickets"] == 0


def test_it_goes_on_over_many_batches(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(7):
        make_push(suite, days=31 + number)

    assert prune(now=NOW)["pushes"] == 7


def test_a_run_ends_and_the_next_goes_on(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "SECONDS_PER_KIND", 0)
    for number in range(7):
        make_push(suite, days=31 + number)

    assert [prune(now=NOW)["pushes"] for _ in range(5)] == [2, 2, 2, 1, 0]


def test_a_run_that_is_killed_has_removed_whole_batches_and_the_next_goes_on(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(7):
        make_push(suite, days=31 + number)
    young = make_push(suite, days=1)
    pauses = iter([None, None, None, KeyboardInterrupt])

    def end_of_process(_seconds: float) -> None:
        if cause := next(pauses, None):
            raise cause

    monkeypatch.setattr(retention, "sleep", end_of_process)
    with pytest.raises(KeyboardInterrupt):
        prune(now=NOW)
    prune(now=NOW)

    assert ReceivedPush.objects.get() == young
