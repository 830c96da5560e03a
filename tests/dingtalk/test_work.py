"""Finding what is due."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from dingtalk.lanes import first_due_events
from dingtalk.models import EventState, ReceivedEvent, Suite
from dingtalk.work import WorkQueue, claim_due_rows, register, registered_queues
from tests.support.events import make_event


def claimed(limit: int = 10) -> list[tuple[UUID, bool]]:
    return [tuple(row) for row in claim_due_rows(first_due_events().order_by("id"), limit=limit)]


def dispatched(event: ReceivedEvent, *, seconds_ago: float) -> None:
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    ReceivedEvent.objects.filter(pk=event.pk).update(dispatched_at=moment)


def test_a_due_row_is_claimed_once(suite: Suite) -> None:
    event = make_event(suite)

    assert claimed() == [(event.pk, False)]
    assert claimed() == []


def test_a_row_that_nobody_took_is_due_again_and_told_apart(suite: Suite) -> None:
    event = make_event(suite)
    dispatched(event, seconds_ago=9)
    assert claimed() == []

    dispatched(event, seconds_ago=11)
    assert claimed() == [(event.pk, True)]


def test_no_more_than_the_limit_is_claimed_in_the_given_order(suite: Suite) -> None:
    events = [make_event(suite, corp_id=f"corp{number}") for number in range(4)]

    assert [pk for pk, _ in claimed(limit=3)] == [event.pk for event in events[:3]]
    assert [pk for pk, _ in claimed(limit=3)] == [events[3].pk]


def test_a_row_that_somebody_holds_is_not_due(suite: Suite) -> None:
    event = make_event(suite, lease_until=timezone.now() + timedelta(minutes=1))
    assert claimed() == []

    ReceivedEvent.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert claimed() == [(event.pk, False)]


def test_only_the_first_event_of_a_lane_is_due(suite: Suite) -> None:
    make_event(suite, minutes=2)
    first = make_event(suite, minutes=1)

    assert claimed() == [(first.pk, False)]


def test_a_lane_in_which_an_event_is_handled_is_not_due(suite: Suite) -> None:
    make_event(suite, minutes=2, lease_until=timezone.now() + timedelta(minutes=1))
    make_event(suite, minutes=1)

    assert claimed() == []


def test_an_event_that_pauses_is_due_after_its_pause_and_its_lane_waits(suite: Suite) -> None:
    paused = make_event(suite, state=EventState.FAILED, next_attempt_at=timezone.now() + timedelta(minutes=1))
    make_event(suite, minutes=1)
    assert claimed() == []

    ReceivedEvent.objects.filter(pk=paused.pk).update(next_attempt_at=timezone.now())
    assert claimed() == [(paused.pk, False)]


@pytest.mark.parametrize(
    "state", [EventState.HANDLED, EventState.IGNORED, EventState.SUPERSEDED, EventState.DEAD]
)
def test_a_finished_event_is_not_due(suite: Suite, state: EventState) -> None:
    make_event(suite, state=state)

    assert claimed() == []


def test_nothing_is_locked_when_nothing_is_due(suite: Suite, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        claimed()


def test_a_queue_is_registered_once() -> None:
    events = next(queue for queue in registered_queues() if queue.name == "events")

    with pytest.raises(ValueError, match="events"):
        register(WorkQueue("events", events.claim_due, events.run, events.publish))
