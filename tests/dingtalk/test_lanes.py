"""Claiming in lanes, by many at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F

from dingtalk import inbox
from dingtalk.lanes import claim_event, find_next
from dingtalk.models import EventState, ReceivedEvent, Suite
from dingtalk.routing import Router
from tests.support.events import make_event

AT_ONCE = 4


def all_at_once(work: Callable[[], Any]) -> list[Any]:
    """Do the same in several threads at the same instant; return what came of it."""
    start = Barrier(AT_ONCE)

    def one(_: int) -> Any:
        start.wait(timeout=10)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


@pytest.mark.django_db(transaction=True)
def test_of_many_that_claim_an_event_one_has_it(suite: Suite) -> None:
    event = make_event(suite)

    claims = all_at_once(lambda: claim_event(event.pk))

    assert sum(claim is not None for claim in claims) == 1
    assert ReceivedEvent.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_on_one_lane_make_each_effect_once_and_in_order(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = Router()
    monkeypatch.setattr(inbox, "routes", router)
    handled: list[UUID] = []

    @router.on("noted")
    def count(event: ReceivedEvent, *, now: datetime) -> None:
        handled.append(event.pk)
        Suite.objects.update(version=F("version") + 1)

    events = [make_event(suite, minutes=number) for number in range(10)]

    all_at_once(lambda: [inbox.handle_lane(event.pk) for event in events])

    assert handled == [event.pk for event in events]
    assert Suite.objects.get().version == 1 + len(events)
    assert not ReceivedEvent.objects.exclude(state=EventState.HANDLED).exists()


def test_the_next_of_a_lane_is_its_first_that_waits(suite: Suite) -> None:
    handled = make_event(suite, minutes=1, state=EventState.HANDLED)
    make_event(suite, minutes=3)
    following = make_event(suite, minutes=2)
    make_event(suite, minutes=0, corp_id="dingother")

    assert find_next(handled) == following.pk


def test_an_event_that_does_not_exist_cannot_be_claimed(suite: Suite) -> None:
    event = make_event(suite)
    ReceivedEvent.objects.all().delete()

    assert claim_event(event.pk) is None
