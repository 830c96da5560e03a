"""Times in which pushes may have been lost are noticed, and short ones are not."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from dingtalk.dispatcher import Dispatcher
from dingtalk.models import Outage, SignOfLife
from dingtalk.outages import RefusedPushes, leave_sign_of_life
from tests.support.callbacks import Callbacks

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def test_a_gap_in_the_signs_of_life_is_an_outage():
    leave_sign_of_life(now=MORNING)

    assert leave_sign_of_life(now=after(300)) is True

    outage = Outage.objects.get()
    assert (outage.kind, outage.began_at, outage.ended_at) == ("silence", MORNING, after(300))


def test_the_first_start_and_a_short_pause_are_none():
    assert leave_sign_of_life(now=MORNING) is False
    assert leave_sign_of_life(now=after(39)) is False

    assert not Outage.objects.exists()


def test_a_clock_that_is_behind_makes_no_sign_older():
    leave_sign_of_life(now=after(60))
    leave_sign_of_life(now=MORNING)

    assert SignOfLife.objects.get().seen_at == after(60)


def test_the_dispatcher_leaves_signs_of_life():
    Dispatcher().run_once()

    assert SignOfLife.objects.exists()


def test_pushes_that_were_refused_for_long_are_an_outage():
    refused = RefusedPushes()
    for seconds in (0, 10, 40):
        refused.add(now=after(seconds))

    refused.report(now=after(45))
    refused.report(now=after(50))

    outage = Outage.objects.get()
    assert (outage.kind, outage.began_at, outage.ended_at) == ("refused", MORNING, after(45))


def test_a_push_that_was_refused_once_came_through_later():
    refused = RefusedPushes()
    refused.add(now=MORNING)

    refused.report(now=after(10))
    refused.report(now=after(100))

    assert not Outage.objects.exists()


def test_the_callback_endpoint_reports_what_it_refused_when_it_can_store_again(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dingtalk.callback_endpoint.refused_pushes", RefusedPushes())
    _change_suites("callback_token = 'k1:broken' || callback_token")
    for seconds in (0, 40):
        with time_machine.travel(after(seconds), tick=False):
            assert callbacks.push({"EventType": "noted"}).status_code == 503

    _change_suites("callback_token = SUBSTR(callback_token, 10)")
    with time_machine.travel(after(60), tick=False):
        assert callbacks.is_acknowledged(callbacks.push({"EventType": "noted"}))

    outage = Outage.objects.get()
    assert (outage.kind, outage.began_at, outage.ended_at) == ("refused", MORNING, after(60))


def _change_suites(assignment: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE dingtalk_suite SET {assignment}")
