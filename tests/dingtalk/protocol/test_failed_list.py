"""Entries of the list of failed pushes, as the events that they stand for."""

import json
from typing import Any

import pytest

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import SyncEvent, UnreadableEvent, read_push
from dingtalk.protocol.failed_list import read_failed_entry

CORP_ID = "dingcorp0001"
TIME_MS = 1_700_000_000_000


def entry(tag: str, **value: Any) -> dict[str, Any]:
    return {"call_back_tag": tag, "event_time": TIME_MS, tag: {"corpid": CORP_ID, **value}}


def event_of(listed: Any) -> SyncEvent | UnreadableEvent:
    (event,) = read_push(read_failed_entry(listed, corp_id=CORP_ID)).events()
    return event


@pytest.mark.parametrize(
    ("listed", "name", "value"),
    [
        (entry("user_add_org", userid=["user1"]), "userid", ["user1"]),
        (
            entry("bpms_instance_change", bpmsCallBackData={"processInstanceId": "p1"}),
            "processInstanceId",
            "p1",
        ),
        (entry("label_conf_add", roleLabelChange={"roleLabelId": 7}), "roleLabelId", 7),
        (entry("org_update", callbackData={"corp_name": "杭州"}), "corp_name", "杭州"),
        (entry("org_update", callbackData='{"corp_name": "杭州"}'), "corp_name", "杭州"),
    ],
)
def test_each_form_of_an_entry_is_read(listed: dict[str, Any], name: str, value: Any):
    event = event_of(listed)

    assert isinstance(event, SyncEvent)
    assert (event.event_type, event.corp_id) == (listed["call_back_tag"], CORP_ID)
    assert event.platform_time is not None
    assert event.platform_time.timestamp() * 1000 == TIME_MS
    assert event.data[name] == value


def test_an_event_with_an_id_is_the_same_as_the_one_that_was_pushed():
    pushed = {"EventType": "user_add_org", "CorpId": CORP_ID, "timeStamp": "1", "eventId": "e1", "userId": []}
    (by_push,) = read_push(json.dumps(pushed).encode()).events()

    by_list = event_of(entry("user_add_org", eventId="e1", userid=[]))

    assert by_list.identity == by_push.identity


def test_rows_in_an_entry_have_the_identity_of_the_rows_that_were_pushed():
    row = {
        "id": 1,
        "gmt_modified": TIME_MS,
        "corp_id": CORP_ID,
        "biz_id": "app",
        "biz_type": 7,
        "biz_data": '{"syncAction": "org_micro_app_stop"}',
    }
    pushed = {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [row]}
    (by_push,) = read_push(json.dumps(pushed).encode()).events()

    by_list = event_of(entry("SYNC_HTTP_PUSH_HIGH", bizData=[row]))

    assert by_list.identity == by_push.identity


@pytest.mark.parametrize(
    "listed",
    [
        "text",
        None,
        {},
        {"call_back_tag": 7, "event_time": TIME_MS},
        {"call_back_tag": "user_add_org", "event_time": TIME_MS},
        {"call_back_tag": "user_add_org", "event_time": TIME_MS, "user_add_org": ["user1"]},
        {"call_back_tag": "x" * 101, "x" * 101: {}},
        {"EventType": "org_suite_relieve", "CorpId": "dingother0001"},
        entry("user_add_org", corpid="dingother0001"),
        entry("user_add_org", AuthCorpId="dingother0001"),
        entry("org_update", callbackData={"corpId": "dingother0001"}),
        entry("org_update", callbackData="{"),
        entry("SYNC_HTTP_PUSH_HIGH", bizData=[{"corp_id": "dingother0001"}]),
        entry("SYNC_HTTP_PUSH_HIGH", bizData=[7]),
        entry("SYNC_HTTP_PUSH_HIGH", bizData="rows"),
        entry("org_update", callbackData={"bizData": [{"corp_id": "dingother0001"}]}),
    ],
)
def test_what_is_no_entry_of_this_company_is_kept_as_unreadable(listed: Any):
    message = read_failed_entry(listed, corp_id=CORP_ID)

    with pytest.raises(MalformedEvent):
        read_push(message)
    assert json.loads(message)["failed_list_entry"] == listed
