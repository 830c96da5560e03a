"""Times in which pushes may have been lost are noticed, and short ones are not."""

from datetime import UTC, datetime, timedelta

import pytest

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


def test_the_callback_view_reports_when_it_can_store_again(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
):
    refused = RefusedPushes()
    monkeypatch.setattr("dingtalk.views.refused_pushes", refused)
    refused.add(now=MORNING)
    refused.add(now=after(40))

    assert callbacks.is_acknowledged(callbacks.push({"EventType": "noted"}))

    assert Outage.objects.get().kind == "refused"
