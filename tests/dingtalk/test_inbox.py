"""Handling: in order, exactly once in effect, tried again, given up, and once more by hand."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from dingtalk import inbox
from dingtalk.inbox import MAX_ATTEMPTS, RETRY_PAUSES_SECONDS, handle_again, handle_lane
from dingtalk.lanes import claim_event
from dingtalk.models import EventState, ReceivedEvent, Suite
from dingtalk.protocol.errors import MalformedEvent
from dingtalk.routing import Ignored, Router
from dingtalk.version import VERSION
from tests.support.callbacks import make_suite
from tests.support.events import NotingHandler, make_event, state_of


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Router:
    """A router of its own for the test, in place of the program's."""
    router = Router()
    monkeypatch.setattr(inbox, "routes", router)
    return router


@pytest.fixture
def noted(router: Router) -> NotingHandler:
    """Handles events of the type `noted`."""
    handler = NotingHandler()
    router.on("noted")(handler)
    return handler


def make_due(event: ReceivedEvent) -> None:
    ReceivedEvent.objects.filter(pk=event.pk).update(next_attempt_at=None)


def test_an_event_is_handled_once(suite: Suite, noted: NotingHandler) -> None:
    event = make_event(suite, "one")

    handle_lane(event.pk)
    handle_lane(event.pk)

    assert noted.handled == ["one"]
    event.refresh_from_db()
    assert event.state == EventState.HANDLED
    assert event.handled_at is not None
    assert event.attempts == 1
    assert event.lease_until is None
    assert event.code_version == VERSION


def test_a_lane_is_handled_in_order_of_platform_time(suite: Suite, noted: NotingHandler) -> None:
    late = make_event(suite, "late", minutes=3)
    early = make_event(suite, "early", minutes=1)
    make_event(suite, "middle", minutes=2)

    handle_lane(late.pk)
    assert noted.handled == []

    handle_lane(early.pk)
    assert noted.handled == ["early", "middle", "late"]


def test_events_of_the_same_time_are_handled_in_order_of_arrival(suite: Suite, noted: NotingHandler) -> None:
    events = [make_event(suite, str(number)) for number in range(4)]

    handle_lane(events[0].pk)

    assert noted.handled == ["0", "1", "2", "3"]


def test_lanes_of_other_companies_and_suites_do_not_wait(suite: Suite, noted: NotingHandler) -> None:
    make_event(suite, "first of its lane", minutes=0)
    other_suite = make_suite(suite_key="suiteother")
    others = [
        make_event(suite, "another company", minutes=1, corp_id="dingother"),
        make_event(other_suite, "another suite", minutes=1),
    ]

    for event in others:
        handle_lane(event.pk)

    assert noted.handled == ["another company", "another suite"]


def test_an_older_event_that_arrives_while_a_newer_one_is_handled_waits(
    suite: Suite, noted: NotingHandler
) -> None:
    newer = make_event(suite, "newer", minutes=5)
    assert claim_event(newer.pk) is not None
    older = make_event(suite, "older", minutes=1)

    handle_lane(older.pk)

    assert noted.handled == []


def test_a_task_ends_after_so_many_events(
    suite: Suite, noted: NotingHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "EVENTS_PER_TASK", 2)
    events = [make_event(suite, str(number), minutes=number) for number in range(3)]

    handle_lane(events[0].pk)

    assert noted.handled == ["0", "1"]
    assert state_of(events[2]) == EventState.PENDING


def test_a_task_ends_after_so_long(
    suite: Suite, noted: NotingHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "SECONDS_PER_TASK", -1)
    events = [make_event(suite, str(number), minutes=number) for number in range(2)]

    handle_lane(events[0].pk)

    assert noted.handled == ["0"]


@pytest.mark.parametrize(
    ("is_known", "note"),
    [
        (True, "known, for tenant apps"),
        (False, "unknown: DingTalk's documents do not name this event"),
    ],
)
def test_a_type_that_nobody_handles_is_ignored_with_the_reason(
    suite: Suite, router: Router, is_known: bool, note: str
) -> None:
    event = make_event(suite, event_type="unheard_of", is_known=is_known)

    handle_lane(event.pk)

    event.refresh_from_db()
    assert (event.state, event.note) == (EventState.IGNORED, note)


def test_a_ticket_is_handled_also_when_nobody_waits_for_it(suite: Suite, router: Router) -> None:
    event = make_event(suite, event_type="suite_ticket", corp_id="")

    handle_lane(event.pk)

    assert state_of(event) == EventState.HANDLED


def test_what_nobody_handles_is_ignored_together_and_nothing_else_is(
    suite: Suite, router: Router, django_assert_max_num_queries
) -> None:
    handled: list[UUID] = []

    @router.on("noted")
    def handle(event: ReceivedEvent, *, now: datetime) -> None:
        handled.append(event.pk)

    first, *others = [make_event(suite, event_type="unheard_of") for _ in range(30)]
    one_among_them = make_event(suite)
    last = make_event(suite, event_type="unheard_of")
    of_another_company = make_event(suite, event_type="unheard_of", corp_id="dingother")

    with django_assert_max_num_queries(30):
        handle_lane(first.pk)

    assert handled == [one_among_them.pk]
    assert {state_of(event) for event in [first, *others, last]} == {EventState.IGNORED}
    assert state_of(of_another_company) == EventState.PENDING


def test_what_a_handler_had_nothing_to_do_with_is_ignored_with_its_reason(
    suite: Suite, noted: NotingHandler
) -> None:
    noted.outcome = Ignored("older than what is known")
    event = make_event(suite, "one")

    handle_lane(event.pk)

    event.refresh_from_db()
    assert (event.state, event.note) == (EventState.IGNORED, "older than what is known")


def test_a_failure_undoes_the_handlers_effect(suite: Suite, router: Router) -> None:
    @router.on("noted")
    def fail_halfway(event: ReceivedEvent, *, now: datetime) -> None:
        Suite.objects.update(name="half done")
        raise RuntimeError("halfway")

    event = make_event(suite)

    handle_lane(event.pk)

    assert Suite.objects.get().name != "half done"
    assert state_of(event) == EventState.FAILED


def test_a_broken_statement_of_the_handler_is_a_failure_like_others(suite: Suite, router: Router) -> None:
    @router.on("noted")
    def break_a_constraint(event: ReceivedEvent, *, now: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM there_is_no_such_table")

    event = make_event(suite)

    handle_lane(event.pk)

    event.refresh_from_db()
    assert event.state == EventState.FAILED
    assert "no" in event.last_error


def test_a_failure_is_recorded_without_secrets_and_pauses_the_lane(
    suite: Suite, noted: NotingHandler
) -> None:
    noted.failure = DatabaseError("suite_secret=abcdefghijklmnop went wrong\x00")
    event = make_event(suite, "one", dispatched_at=timezone.now())
    make_event(suite, "two", minutes=1)

    handle_lane(event.pk)
    handle_lane(event.pk)

    event.refresh_from_db()
    assert event.state == EventState.FAILED
    assert event.attempts == 1
    assert event.last_error.startswith("DatabaseError: ")
    assert "abcdefghijklmnop" not in event.last_error
    assert event.next_attempt_at is not None
    assert event.lease_until is None
    assert event.dispatched_at is None


def test_pauses_grow_and_then_the_event_is_dead(suite: Suite, noted: NotingHandler) -> None:
    noted.failure = RuntimeError("always")
    event = make_event(suite, "one")
    pauses = []

    for _ in range(MAX_ATTEMPTS):
        make_due(event)
        handle_lane(event.pk)
        event.refresh_from_db()
        if event.next_attempt_at:
            pauses.append((event.next_attempt_at - timezone.now()).total_seconds())

    for pause, expected in zip(pauses, RETRY_PAUSES_SECONDS, strict=True):
        assert expected * 0.7 - 1 < pause <= expected * 1.2
    assert event.state == EventState.DEAD
    assert event.attempts == MAX_ATTEMPTS


def test_a_dead_event_lets_the_lane_go_on(suite: Suite, noted: NotingHandler) -> None:
    noted.failure = RuntimeError("always")
    event = make_event(suite, "one", attempts=MAX_ATTEMPTS - 1)
    handle_lane(event.pk)
    noted.failure = None
    following = make_event(suite, "two", minutes=1)

    handle_lane(following.pk)

    assert state_of(event) == EventState.DEAD
    assert noted.handled == ["two"]


def test_an_event_that_cannot_be_read_is_dead_at_once(suite: Suite, noted: NotingHandler) -> None:
    noted.failure = MalformedEvent("the event names no company")
    event = make_event(suite, "one")

    handle_lane(event.pk)

    event.refresh_from_db()
    assert event.state == EventState.DEAD
    assert event.last_error == "MalformedEvent: the event names no company"


def test_an_event_that_kills_its_process_is_given_up_in_the_end(suite: Suite, noted: NotingHandler) -> None:
    event = make_event(suite, "poison")
    for _ in range(MAX_ATTEMPTS):
        assert claim_event(event.pk) is not None
        ReceivedEvent.objects.update(lease_until=timezone.now() - timedelta(minutes=1))

    handle_lane(event.pk)

    assert noted.handled == []
    assert state_of(event) == EventState.DEAD


def test_an_expired_claim_is_taken_over(suite: Suite, noted: NotingHandler) -> None:
    event = make_event(suite, "one")
    claim_event(event.pk)
    handle_lane(event.pk)
    assert noted.handled == []
    ReceivedEvent.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    handle_lane(event.pk)

    assert noted.handled == ["one"]
    event.refresh_from_db()
    assert event.attempts == 2


def test_a_process_that_wakes_up_late_has_no_effect(suite: Suite, router: Router) -> None:
    event = make_event(suite, "one")
    effects: list[str] = []

    @router.on("noted")
    def handle(event: ReceivedEvent, *, now: datetime) -> None:
        effects.append("one")

    frozen = claim_event(event.pk)
    assert frozen is not None
    ReceivedEvent.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    handle_lane(event.pk)

    went_on = inbox._handle(frozen, now=timezone.now())

    assert not went_on
    assert effects == ["one"]


def test_an_effect_of_a_claim_that_is_lost_meanwhile_is_undone(suite: Suite, router: Router) -> None:
    event = make_event(suite, "one")

    @router.on("noted")
    def handle_too_long(event: ReceivedEvent, *, now: datetime) -> None:
        Suite.objects.update(name="too late")
        ReceivedEvent.objects.filter(pk=event.pk).update(lease_epoch=event.lease_epoch + 1)

    handle_lane(event.pk)

    assert Suite.objects.get().name != "too late"


@pytest.mark.parametrize(
    "state", [EventState.DEAD, EventState.FAILED, EventState.IGNORED, EventState.HANDLED]
)
def test_an_event_can_be_handled_again(suite: Suite, noted: NotingHandler, state: EventState) -> None:
    event = make_event(
        suite, "again", state=state, attempts=6, next_attempt_at=timezone.now() + timedelta(hours=1)
    )

    assert handle_again([event.pk]) == 1
    event.refresh_from_db()
    assert (event.state, event.attempts) == (EventState.PENDING, 0)
    assert event.note

    handle_lane(event.pk)
    assert noted.handled == ["again"]


def test_what_cannot_be_handled_again_is_left_alone(suite: Suite) -> None:
    events = [
        make_event(suite, state=EventState.SUPERSEDED),
        make_event(suite, state=EventState.PENDING),
        make_event(suite, state=EventState.DEAD, payload=None),
        make_event(suite, state=EventState.DEAD, event_type="", biz_type=None),
        make_event(suite, state=EventState.FAILED, lease_until=timezone.now() + timedelta(minutes=1)),
    ]

    assert handle_again([event.pk for event in events]) == 0


def test_handling_a_lane_whose_event_is_gone_does_nothing(suite: Suite, noted: NotingHandler) -> None:
    event = make_event(suite)
    event_id = event.pk
    event.delete()

    handle_lane(event_id)

    assert noted.handled == []
