import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from dingtalk.models import (
    EventState,
    PushMode,
    PushSource,
    RdsPosition,
    ReceivedEvent,
    ReceivedPush,
    Suite,
    SuiteTicket,
)
from dingtalk.splitting import split_push
from tests.dingtalk.rds.conftest import CORP_ID, HIGH, MEDIUM, MORNING, Platform, Reading
from tests.support import mariadb
from tests.support.callbacks import Callbacks, make_suite, sync_push

pytestmark = pytest.mark.django_db


def split_all() -> None:
    for push in ReceivedPush.objects.filter(split_at=None).order_by("id"):
        split_push(push.pk, now=timezone.now())


def names() -> list[str]:
    """The names in the events, in order of platform time."""
    split_all()
    return [event.data().get("name", "") for event in ReceivedEvent.objects.order_by("platform_time", "id")]


def position(table: str = HIGH) -> RdsPosition:
    return RdsPosition.objects.get(table=table)


def test_a_row_becomes_a_push_and_its_event(platform: Platform, reading: Reading, suite: Suite):
    platform.write("杭州", {"syncAction": "org_micro_app_stop", "agentId": 7})
    platform.write("user1", {"syncAction": "user_add_org"}, table=MEDIUM, biz_type=13)

    reading.all()
    split_all()

    push = ReceivedPush.objects.filter(source=PushSource.RDS).earliest("id")
    high, medium = ReceivedEvent.objects.order_by("biz_type")
    assert push.suite == suite
    assert (high.event_type, high.corp_id, high.biz_type, high.biz_id) == (
        "org_micro_app_stop",
        CORP_ID,
        7,
        "杭州",
    )
    # 09:00 in Shanghai.
    assert high.platform_time.isoformat() == "2026-11-20T01:00:00+00:00"
    assert medium.event_type == "user_add_org"


def test_a_suite_ticket_is_current_as_soon_as_its_row_is_read(
    platform: Platform, reading: Reading, suite: Suite
):
    platform.write(suite.suite_id, {"syncAction": "suite_ticket", "suiteTicket": "ticket-by-rds"}, biz_type=2)

    reading.all()

    assert SuiteTicket.objects.get(suite=suite).ticket == "ticket-by-rds"


def test_more_rows_than_a_batch_are_read_in_one_go(
    platform: Platform, reading: Reading, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dingtalk.rds.table_reader.BATCH", 3)
    for number in range(8):
        platform.write(f"app{number}", seconds=number)

    reading.all()

    assert names() == [f"app{number}" for number in range(8)]
    assert position().rows_stored == 8


def test_a_new_reader_goes_on_where_the_last_one_stopped(platform: Platform, reading: Reading):
    platform.write("first")
    reading.all()
    reached = position().last_id
    platform.write("second", seconds=1)

    reading.again()

    assert names() == ["first", "second"]
    assert position().last_id > reached
    assert not ReceivedPush.objects.exclude(repeats=0).exists()


def test_a_row_that_is_written_again_with_a_new_id_is_the_same_event(platform: Platform, reading: Reading):
    platform.write("same")
    reading.all()
    platform.write("same")

    reading.all()

    assert names() == ["same"]
    assert ReceivedPush.objects.get().repeats == 1


def test_a_row_that_was_replaced_by_a_newer_state_is_another_event(platform: Platform, reading: Reading):
    platform.write("app", {"syncAction": "org_micro_app_stop"})
    reading.all()
    platform.write("app", {"syncAction": "org_micro_app_restore"}, seconds=60)

    reading.all()
    split_all()

    types = ReceivedEvent.objects.order_by("platform_time").values_list("event_type", flat=True)
    assert list(types) == ["org_micro_app_stop", "org_micro_app_restore"]


def test_a_row_that_is_changed_in_place_is_read_again(platform: Platform, reading: Reading):
    platform.write("app", {"name": "before"})
    reading.all()
    platform.execute(
        f"UPDATE {HIGH} SET gmt_modified = %s, biz_data = %s",
        (MORNING + timedelta(seconds=30), json.dumps({"syncAction": "noted", "name": "after"})),
    )

    reading.all()

    assert names() == ["before", "after"]


def test_a_row_that_is_committed_after_a_later_one_was_read_is_not_missed(
    platform: Platform, reading: Reading
):
    slow = mariadb.connect(platform.port, platform.database, autocommit=False)
    platform.write("slow", connection=slow)
    platform.write("quick", seconds=1)
    reading.all()
    assert names() == ["quick"]

    slow.commit()
    slow.close()
    reading.all()

    assert names() == ["slow", "quick"]


@pytest.mark.parametrize("how", ["TRUNCATE TABLE {table}", "DELETE FROM {table}"])
def test_ids_that_begin_anew_are_noticed(platform: Platform, reading: Reading, how: str):
    for number in range(5):
        platform.write(f"old{number}", seconds=number)
    reading.all()

    platform.execute(how.format(table=HIGH))
    platform.execute(f"ALTER TABLE {HIGH} AUTO_INCREMENT = 1")
    platform.write("new", seconds=60)
    reading.again()

    assert "new" in names()
    assert ReceivedEvent.objects.count() == 6
    assert position().last_id == 1


def test_a_table_made_anew_is_read_from_the_start_also_when_its_ids_are_past_ours(
    platform: Platform, reading: Reading
):
    platform.write("old")
    reading.all()
    # Its creation is known to the second.
    RdsPosition.objects.update(table_version="2020-01-01 00:00:00")
    RdsPosition.objects.update(last_id=F("last_id") + 1)
    platform.execute(f"TRUNCATE TABLE {HIGH}")
    # Long before what the look back by time covers.
    platform.write("early", seconds=-86_400)
    platform.write("late", seconds=1)
    platform.write("latest", seconds=2)

    reading.again()

    assert names() == ["early", "old", "late", "latest"]


def test_a_suite_registered_later_gets_the_rows_that_were_passed_over(
    platform: Platform, reading: Reading, suite: Suite
):
    platform.write("mine")
    platform.write("theirs", subscribe_id="27182001_0", seconds=1)
    reading.all()
    assert names() == ["mine"]
    assert position().rows_of_others == 1

    other = make_suite(suite_id="27182001", suite_key="suiteother000001", push_mode=PushMode.RDS)
    reading.all()

    assert names() == ["mine", "theirs"]
    assert ReceivedEvent.objects.get(suite=other).biz_id == "theirs"


def test_rows_of_a_suite_of_another_push_mode_are_left_alone(
    platform: Platform, reading: Reading, suite: Suite
):
    suite.push_mode = PushMode.SYNC_HTTP
    suite.save()
    platform.write("app")

    reading.all()

    assert not ReceivedPush.objects.exists()
    assert position().rows_of_others == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"data": "{not json"}, "the text is not JSON"),
        ({"data": json.dumps({"deep": [[]]}).replace("[[]]", "[" * 90 + "]" * 90)}, "nested too deeply"),
        ({"data": json.dumps("just text")}, "not an object"),
        ({"corp_id": "ding\x00corp"}, "corp_id"),
    ],
)
def test_a_poisoned_row_is_kept_as_dead_and_stops_nothing(
    platform: Platform, reading: Reading, changes: dict[str, Any], error: str
):
    platform.write("poison", changes.pop("data", None), **changes)
    platform.write("good", seconds=1)

    reading.all()
    split_all()

    dead, good = ReceivedEvent.objects.order_by("id")
    assert (dead.state, good.state) == (EventState.DEAD, EventState.PENDING)
    assert error in dead.last_error
    assert good.biz_id == "good"


def test_a_row_without_a_time_or_content_stops_nothing(platform: Platform, reading: Reading):
    platform.execute(f"ALTER TABLE {HIGH} MODIFY gmt_modified datetime NULL, MODIFY biz_data longtext NULL")
    platform.write("empty", gmt_modified=None)
    platform.execute(f"UPDATE {HIGH} SET biz_data = NULL")
    platform.write("large", json.dumps({"syncAction": "noted", "text": "x" * 1_200_000}), seconds=1)
    platform.write("good", seconds=2)

    reading.all()
    split_all()

    states = dict(ReceivedEvent.objects.values_list("biz_id", "state"))
    assert states == {"": EventState.DEAD, "good": EventState.PENDING}
    assert ReceivedEvent.objects.filter(state=EventState.DEAD).count() == 2


class TestTwoWays:
    """The suite is moved from one mode to the other, and an event comes by both."""

    def push(self, callbacks: Callbacks, row: dict[str, Any], milliseconds: int) -> None:
        moment = int((MORNING - timedelta(hours=8) - datetime(1970, 1, 1)).total_seconds()) * 1000
        as_pushed = {**row, "id": 1, "gmt_create": moment, "gmt_modified": moment + milliseconds}
        assert callbacks.is_acknowledged(callbacks.push(sync_push(as_pushed)))
        split_all()

    @pytest.mark.parametrize("milliseconds", [0, 123, 900])
    def test_an_event_that_was_pushed_first_is_handled_once(
        self, platform: Platform, reading: Reading, callbacks: Callbacks, milliseconds: int
    ):
        row = platform.write("app", {"syncAction": "org_micro_app_stop"})
        self.push(callbacks, row, milliseconds)

        reading.all()
        split_all()

        assert ReceivedPush.objects.count() == 2
        assert ReceivedEvent.objects.count() == 1

    @pytest.mark.parametrize("milliseconds", [0, 123, 900])
    def test_an_event_that_was_read_first_is_handled_once(
        self, platform: Platform, reading: Reading, callbacks: Callbacks, milliseconds: int
    ):
        row = platform.write("app", {"syncAction": "org_micro_app_stop"})
        reading.all()
        split_all()

        self.push(callbacks, row, milliseconds)

        assert ReceivedEvent.objects.count() == 1

    def test_another_state_within_the_same_second_is_another_event(
        self, platform: Platform, reading: Reading, callbacks: Callbacks
    ):
        row = platform.write("app", {"syncAction": "org_micro_app_stop"})
        reading.all()
        split_all()

        restored = json.dumps({"syncAction": "org_micro_app_restore"})
        self.push(callbacks, {**row, "biz_data": restored}, 500)

        assert ReceivedEvent.objects.count() == 2
