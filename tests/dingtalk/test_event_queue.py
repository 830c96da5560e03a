"""Whose events are handed out next."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk import event_queue, work
from dingtalk.event_queue import TurnsOfLanes
from dingtalk.lanes import walk_lanes
from dingtalk.models import EventState, ReceivedEvent, Suite
from dingtalk.work import DueRow
from tests.support.callbacks import make_suite
from tests.support.events import make_event


@pytest.fixture
def other_suite(suite: Suite) -> Suite:
    """One that is registered beside the usual one."""
    return make_suite(suite_key="suiteother000000001", suite_id="90001")


def companies(rows: list[DueRow]) -> list[str]:
    corp_ids = dict(ReceivedEvent.objects.values_list("pk", "corp_id"))
    return [corp_ids[row.id] for row in rows]


def test_a_company_with_many_events_does_not_delay_the_first_of_another(suite: Suite) -> None:
    for number in range(30):
        make_event(suite, corp_id="dingbusy", minutes=number)
    make_event(suite, corp_id="dingquiet", minutes=100)

    assert sorted(companies(TurnsOfLanes().claim_due(2))) == ["dingbusy", "dingquiet"]


def test_lanes_have_their_turns_one_after_the_other(suite: Suite) -> None:
    for number in range(5):
        make_event(suite, corp_id=f"ding{number}")
    turns = TurnsOfLanes()

    claimed = companies(turns.claim_due(2))
    # Both are due again at once, and come last all the same.
    ReceivedEvent.objects.update(dispatched_at=None)
    claimed += companies(turns.claim_due(3))

    assert sorted(claimed) == [f"ding{number}" for number in range(5)]


def test_events_that_name_no_company_have_a_turn(suite: Suite) -> None:
    make_event(suite, corp_id="")
    make_event(suite, corp_id="ding1")

    assert sorted(companies(TurnsOfLanes().claim_due(10))) == ["", "ding1"]


def test_suites_share_what_is_claimed(suite: Suite, other_suite: Suite) -> None:
    for number in range(20):
        make_event(suite, corp_id=f"ding{number:02}")
    for number in range(3):
        make_event(other_suite, corp_id=f"other{number}")

    claimed = companies(TurnsOfLanes().claim_due(8))

    assert Counter(corp_id[:4] for corp_id in claimed) == {"ding": 4, "othe": 3}


def test_a_suite_whose_tasks_fill_the_queue_waits_for_them(
    suite: Suite, other_suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_queue, "HANDED_OUT_PER_SUITE", 3)
    for number in range(6):
        make_event(suite, corp_id=f"ding{number}")
    turns = TurnsOfLanes()
    assert len(turns.claim_due(10)) == 3
    make_event(other_suite, corp_id="other")

    assert companies(turns.claim_due(10)) == ["other"]

    ReceivedEvent.objects.filter(dispatched_at__isnull=False, suite=suite).update(state=EventState.HANDLED)
    assert len(turns.claim_due(10)) == 3


def test_a_walk_goes_from_lane_to_lane_by_their_first_events(suite: Suite, other_suite: Suite) -> None:
    for corp_id in ("ding1", "ding2", "ding3"):
        make_event(suite, corp_id=corp_id, minutes=2)
    first = [make_event(suite, corp_id=corp_id, minutes=1) for corp_id in ("ding1", "ding2", "ding3")]
    make_event(suite, corp_id="ding2", state=EventState.HANDLED)
    make_event(other_suite, corp_id="ding2")

    assert list(walk_lanes(suite.pk, after=None, limit=2)) == [event.pk for event in first[:2]]
    assert walk_lanes(suite.pk, after="ding1", limit=9) == {first[1].pk: "ding2", first[2].pk: "ding3"}
    assert walk_lanes(suite.pk, after="ding3", limit=9) == {}


def test_what_is_handed_out_is_counted_for_a_moment(suite: Suite) -> None:
    make_event(suite, dispatched_at=timezone.now())
    make_event(suite, dispatched_at=timezone.now() - timedelta(seconds=work.AGAIN_AFTER_SECONDS + 1))

    assert work.handed_out_by_suite(ReceivedEvent.objects.all()) == {suite.pk: 1}
