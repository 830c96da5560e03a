import json
from datetime import UTC, datetime

import pytest

from dingtalk.protocol.events import SyncEvent, UnreadableEvent, read_push
from dingtalk.protocol.grant import read_grant
from dingtalk.protocol.stream_frames import read_frame, read_stored_frame

GRANT = {
    "authCorpInfo": {"corpid": "dingcorp1", "corpName": "杭州云栖", "isAuthenticated": True},
    "authInfo": {"agent": [{"agentid": 7, "agentName": "考勤", "appid": 9, "adminList": ["zhang"]}]},
    "authUserInfo": {"userId": "zhang"},
    "authScope": {"authOrgScopes": {"authedUser": ["li"], "authedDept": [1]}, "authUserField": ["name"]},
    "permanentCode": "code-of-the-company",
}


def frame(event_type: str, data: object, **headers: object) -> dict:
    given = {
        "eventType": event_type,
        "eventId": "event-1",
        "eventCorpId": "dingcorp1",
        "eventBornTime": "1700000000000",
        "messageId": "message-1",
        "time": 1700000000001,
        "topic": "*",
        **headers,
    }
    return {"specVersion": "1.0", "type": "EVENT", "headers": given, "data": data}


def test_a_grant_of_stream_is_read_by_the_reader_of_all_grants():
    event = read_frame(frame("org_suite_auth", json.dumps(GRANT))).event()

    assert isinstance(event, SyncEvent)
    assert (event.event_type, event.corp_id, event.biz_type) == ("org_suite_auth", "dingcorp1", None)
    assert event.platform_time == datetime.fromtimestamp(1_700_000_000, UTC)
    grant = read_grant(event.data, corp_id=event.corp_id)
    assert (grant.corp_name, grant.permanent_code) == ("杭州云栖", "code-of-the-company")
    assert (grant.agents[0].agent_id, grant.agents[0].app_id, grant.admin_user_ids) == (7, 9, ["zhang"])
    assert grant.auth_scope == {"user_ids": ["li"], "dept_ids": [1], "user_fields": ["name"]}


@pytest.mark.parametrize("data", ["{}", "", None, {}])
def test_of_an_event_without_data_the_headers_tell_the_company(data):
    event = read_frame(frame("org_suite_relieve", data)).event()

    assert isinstance(event, SyncEvent)
    assert (event.event_type, event.corp_id, event.data) == ("org_suite_relieve", "dingcorp1", {})


def test_a_ticket_is_found_with_its_time():
    (ticket,) = read_frame(frame("suite_ticket", '{"suiteTicket":"ticket-1"}')).tickets()

    assert ticket.ticket == "ticket-1"
    assert ticket.platform_time == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize("data", ["{}", "no json", '{"suiteTicket": 7}', "[]"])
def test_a_ticket_event_without_a_ticket_brings_none(data):
    assert read_frame(frame("suite_ticket", data)).tickets() == []


def test_only_a_ticket_event_brings_a_ticket():
    assert read_frame(frame("user_add_org", '{"suiteTicket":"ticket-1"}')).tickets() == []


def test_another_delivery_of_a_frame_is_the_same_frame():
    first = read_frame(frame("org_suite_relieve", "{}"))
    again = read_frame(
        frame(
            "org_suite_relieve",
            "{}",
            messageId="message-2",
            time="1700000009999",
            eventBornTime=1700000000000,
        )
    )

    assert (again.digest, again.event().identity) == (first.digest, first.event().identity)


def test_another_event_is_another_frame():
    first = read_frame(frame("org_suite_relieve", "{}"))

    for changed in ({"eventId": "event-2"}, {"eventCorpId": "dingcorp2"}):
        assert read_frame(frame("org_suite_relieve", "{}", **changed)).digest != first.digest


def test_an_event_has_the_identity_that_a_callback_with_its_id_has():
    pushed = read_push(b'{"EventType":"org_suite_relieve","CorpId":"dingcorp1","eventId":"event-1"}')

    assert read_frame(frame("org_suite_relieve", "{}")).event().identity == pushed.events()[0].identity


def test_without_an_id_the_whole_frame_tells_one_event_from_another():
    frames = [read_frame(frame("user_add_org", data, eventId=None)) for data in ('{"a":1}', '{"a":2}')]

    assert len({each.event().identity for each in frames}) == 2


def test_the_headers_may_be_called_header():
    document = frame("org_suite_relieve", "{}")
    document["header"] = document.pop("headers")

    assert read_frame(document) == read_frame(frame("org_suite_relieve", "{}"))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (frame("", "{}"), "the frame has no event type"),
        (frame("user_add_org", "no json"), "the text is not JSON"),
        (frame("user_add_org", 7), "the data is neither a text nor an object"),
        (frame("user_add_org", "{}", eventCorpId={"a": 1}), "eventCorpId is not an identifier"),
        (
            frame("org_suite_auth", json.dumps(GRANT), eventCorpId="dingcorp2"),
            "the frame and its data name different organisations",
        ),
        ({"type": "EVENT"}, "the frame has no event type"),
        ({"type": "EVENT", "headers": [], "data": float("nan")}, "the frame has no event type"),
        (frame("user_add_org", "\ud800"), "the text is not JSON"),
    ],
)
def test_what_cannot_be_read_is_an_event_that_says_why(document, reason):
    event = read_frame(document).event()

    assert isinstance(event, UnreadableEvent)
    assert event.reason == reason


@pytest.mark.parametrize("data", ['{"a":"\\ud800"}', {"a": float("inf")}, "\ud800", "text", None])
def test_whatever_came_is_stored_and_read_again(data):
    came = read_frame(frame("user_add_org", data))

    assert read_stored_frame(came.stored) == came


def test_nothing_that_is_shown_of_a_frame_holds_its_data():
    shown = repr(read_frame(frame("org_suite_auth", json.dumps(GRANT))))

    assert "code-of-the-company" not in shown
