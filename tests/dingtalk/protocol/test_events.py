import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import (
    PushedTicket,
    SyncEvent,
    UnreadableEvent,
    clean_text,
    is_latest_state,
    read_push,
    read_stored_data,
)
from tests.support.protocol_fixtures import event_names, load_event

CORP_ID = "ding7f3c91a05be842d6a1e0"
SUITE_KEY = "suitekq7ymx3wq2ulr9vd"


def push_of(document):
    return read_push(json.dumps(document, ensure_ascii=False).encode())


def only_event(document):
    (event,) = push_of(document).events()
    return event


def row_push(data=None, **changes):
    """A push with one row about a user, with some of the row's members changed."""
    row = {
        "gmt_modified": 1700000000000,
        "biz_type": 13,
        "biz_id": "user1",
        "biz_data": json.dumps({"syncAction": "user_modify_org"} if data is None else data),
        "corp_id": CORP_ID,
        "subscribe_id": "31415001_0",
        "id": 1,
    }
    return {"EventType": "SYNC_HTTP_PUSH_MEDIUM", "bizData": [row | changes]}


ROWS = [name for name in event_names() if not name.startswith(("check_", "legacy_"))]
LEGACY = [name for name in event_names() if name.startswith("legacy_")]
# Pushed for the company, not for one of its suites.
OF_A_COMPANY = ("legacy_org_change", "legacy_org_remove")


class TestRecordedEvents:
    @pytest.mark.parametrize("name", ROWS)
    def test_a_sync_row_is_named_for_its_action(self, name):
        event = only_event(load_event(name))

        assert isinstance(event, SyncEvent)
        assert event.event_type == event.data["syncAction"] == name
        assert event.subscribe_id == "31415001_0"
        assert event.platform_time >= datetime(2023, 11, 14, tzinfo=UTC)

    @pytest.mark.parametrize("name", LEGACY)
    def test_a_legacy_event_is_named_by_its_event_type(self, name):
        event = only_event(load_event(name))

        assert event.event_type == name.removeprefix("legacy_")
        assert (event.biz_type, event.biz_id) == (None, "")
        assert event.corp_id == ("" if name == "legacy_suite_ticket" else CORP_ID)
        assert event.platform_time >= datetime(2023, 11, 14, tzinfo=UTC)

    @pytest.mark.parametrize("name", [name for name in LEGACY if name not in OF_A_COMPANY])
    def test_a_legacy_event_names_its_suite(self, name):
        assert push_of(load_event(name)).suite_key == SUITE_KEY

    @pytest.mark.parametrize("name", ["check_url", "check_create_suite_url", "check_update_suite_url"])
    def test_a_url_check_is_no_event(self, name):
        push = push_of(load_event(name))

        assert push.is_url_check
        assert push.events() == push.tickets() == []

    @pytest.mark.parametrize("name", [*ROWS, *LEGACY])
    def test_what_is_stored_gives_the_data_back(self, name):
        event = only_event(load_event(name))

        assert read_stored_data(event.body) == event.data

    @pytest.mark.parametrize(
        "name", ["org_suite_auth", "legacy_tmp_auth_code", "suite_ticket", "legacy_suite_ticket"]
    )
    def test_no_content_is_shown(self, name):
        push = push_of(load_event(name))

        shown = f"{push!r} {push.events()!r} {push.tickets()!r}"

        assert "sample" not in shown
        assert "青竹" not in shown


class TestTickets:
    TIME = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

    def test_both_shapes_give_the_ticket_and_its_time(self):
        tickets = [push_of(load_event(name)).tickets() for name in ("suite_ticket", "legacy_suite_ticket")]

        assert tickets == [
            [PushedTicket("sampleTicketNo0001", self.TIME)],
            [PushedTicket("sampleTicketNo0002", self.TIME)],
        ]

    def test_several_rows_may_hold_tickets_beside_other_events(self):
        document = load_event("suite_ticket")
        document["bizData"] += [*row_push()["bizData"], *load_event("suite_ticket")["bizData"]]

        assert len(push_of(document).tickets()) == 2
        assert len(push_of(document).events()) == 3

    @pytest.mark.parametrize("ticket", ["", None, 5, ["t"], "a\x00b", "x" * 1025])
    def test_what_cannot_be_a_ticket_is_none(self, ticket):
        assert push_of({"EventType": "suite_ticket", "SuiteTicket": ticket}).tickets() == []
        assert push_of(row_push({"suiteTicket": ticket}, biz_type=2)).tickets() == []

    @pytest.mark.parametrize("row", [None, 1, {}, {"biz_type": 2}, {"biz_type": 2, "biz_data": "{"}])
    def test_a_broken_row_hides_no_ticket_of_another(self, row):
        document = load_event("suite_ticket")
        document["bizData"].insert(0, row)

        assert len(push_of(document).tickets()) == 1

    def test_another_event_with_such_a_member_gives_no_ticket(self):
        assert push_of({"EventType": "tmp_auth_code", "SuiteTicket": "forged"}).tickets() == []
        assert push_of(row_push({"suiteTicket": "forged"})).tickets() == []


class TestIdentity:
    def test_a_row_written_again_with_another_id_is_the_same_event(self):
        first = only_event(row_push())
        again = only_event(row_push(id=2, gmt_create=5, status=1, gmt_modified="1700000000000"))

        assert first.identity == again.identity
        assert len(first.identity) == 64

    def test_biz_data_as_object_or_as_text_is_the_same_event(self):
        data = {"syncAction": "user_modify_org", "name": "张三", "order": 1}
        reordered = dict(reversed(data.items()))

        identities = {
            only_event(row_push(biz_data=value)).identity
            for value in (
                data,
                json.dumps(data),
                json.dumps(reordered, indent=2),
                json.dumps(data, ensure_ascii=False),
            )
        }

        assert len(identities) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"corp_id": "dingother"},
            {"biz_type": 14},
            {"biz_id": "user2"},
            {"gmt_modified": 1700000000001},
            {"biz_data": '{"syncAction":"user_leave_org"}'},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_each_part_of_the_key_makes_another_event(self, change):
        assert only_event(row_push()).identity != only_event(row_push(**change)).identity

    def test_the_event_id_decides_where_there_is_one(self):
        with_id = {"syncAction": "user_modify_org", "eventId": "e1"}

        first = only_event(row_push(with_id))
        again = only_event(row_push(with_id | {"syncSeq": "2"}, gmt_modified=1700000009999))
        other = only_event(row_push(with_id | {"eventId": "e2"}))
        legacy = only_event({"EventType": "user_modify_org", "CorpId": CORP_ID, "eventId": "e1"})

        assert first.identity == again.identity == legacy.identity
        assert first.identity != other.identity
        assert len(first.identity) == 64

    def test_a_legacy_event_is_told_by_its_plaintext(self):
        message = b'{"EventType":"change_auth", "AuthCorpId":"ding1"}'

        (event,) = read_push(message).events()

        assert event.identity == hashlib.sha256(message).hexdigest()


class TestRows:
    def test_a_push_with_rows_of_several_companies_gives_each_its_own_event(self):
        document = row_push()
        document["bizData"] += row_push(corp_id="dingother", biz_type=4)["bizData"]

        events = push_of(document).events()

        assert [(event.corp_id, event.biz_type) for event in events] == [(CORP_ID, 13), ("dingother", 4)]

    @pytest.mark.parametrize("name", ["eventType", "EventType"])
    def test_a_row_without_sync_action_is_named_by_its_event_type(self, name):
        assert only_event(row_push({name: "goods_tryout"}, biz_type=63)).event_type == "goods_tryout"

    def test_sync_action_decides_over_event_type(self):
        data = {"syncAction": "market_service_open", "eventType": "subscription_close"}

        assert only_event(row_push(data)).event_type == "market_service_open"

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (None, "not an object"),
            ([], "not an object"),
            ("row", "not an object"),
            ({"biz_data": "{}"}, "biz_type"),
            ({"biz_type": 4}, "biz_data"),
            ({"biz_type": 4, "biz_data": "not json"}, "biz_data"),
            ({"biz_type": 4, "biz_data": "[]"}, "biz_data"),
            ({"biz_type": 4, "biz_data": '{"a":NaN}'}, "biz_data"),
            ({"biz_type": 4, "biz_data": "[" * 9999}, "biz_data"),
            ({"biz_type": "four", "biz_data": "{}"}, "biz_type"),
            ({"biz_type": True, "biz_data": "{}"}, "biz_type"),
            ({"biz_type": 2**31, "biz_data": "{}"}, "biz_type"),
            ({"biz_type": 4, "biz_data": "{}", "corp_id": {"a": 1}}, "corp_id"),
            ({"biz_type": 4, "biz_data": "{}", "corp_id": "ding\x001"}, "corp_id"),
            ({"biz_type": 4, "biz_data": "{}", "corp_id": "x" * 65}, "corp_id"),
            ({"biz_type": 4, "biz_data": "{}", "biz_id": [1]}, "biz_id"),
            ({"biz_type": 4, "biz_data": "{}", "biz_id": "x" * 129}, "biz_id"),
        ],
    )
    def test_a_row_that_cannot_be_read_is_kept_with_the_reason(self, row, reason):
        readable = row_push()["bizData"][0]

        events = push_of({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [row, readable]}).events()

        assert isinstance(events[0], UnreadableEvent)
        assert reason in events[0].reason
        assert len(events[0].identity) == 64
        assert read_stored_data(events[0].body) == {"unreadable": row}
        assert isinstance(events[1], SyncEvent)

    @pytest.mark.parametrize("named", ["dingother", 5, ""])
    def test_a_grant_of_another_company_than_the_rows_is_unreadable(self, named):
        data = {"syncAction": "org_suite_auth", "auth_corp_info": {"corpid": named}}

        event = only_event(row_push(data, biz_type=4))

        assert isinstance(event, SyncEvent if named == "" else UnreadableEvent)
        assert event.corp_id == CORP_ID

    def test_a_grant_in_a_row_that_names_no_company_is_unreadable(self):
        event = only_event(row_push({"auth_corp_info": {"corpid": "ding1"}}, biz_type=4, corp_id=""))

        assert isinstance(event, UnreadableEvent)

    @pytest.mark.parametrize("rows", [None, "rows", {"a": 1}, 5])
    def test_rows_that_are_no_list_are_one_unreadable_event(self, rows):
        push = push_of({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": rows})

        assert isinstance(push.events()[0], UnreadableEvent)
        assert push.tickets() == []

    def test_an_empty_push_has_no_events(self):
        assert push_of({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": []}).events() == []

    @pytest.mark.parametrize("second", ["dingother", {"a": 1}])
    def test_a_legacy_event_that_names_two_companies_is_unreadable(self, second):
        event = only_event({"EventType": "change_auth", "AuthCorpId": "ding1", "CorpId": second})

        assert isinstance(event, UnreadableEvent)


class TestTimes:
    @pytest.mark.parametrize(
        "moment", [1700000000000, 1700000000, "1700000000000", "1700000000", 1700000000.0, 1700000000000.0]
    )
    def test_seconds_and_milliseconds_as_number_or_text_are_one_time(self, moment):
        expected = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

        assert only_event(row_push(gmt_modified=moment)).platform_time == expected
        for name in ("TimeStamp", "EventTime", "timeStamp"):
            assert only_event({"EventType": "x", name: moment}).platform_time == expected

    @pytest.mark.parametrize(
        "moment",
        [None, 0, -1, 123456, 10**15, 2**63, 10**40, "12351458245", "soon", "", True, [], 1.5, "١٧٠٠٠٠٠٠٠٠"],
    )
    def test_an_absurd_time_is_none(self, moment):
        assert only_event(row_push(gmt_modified=moment)).platform_time is None
        assert only_event({"EventType": "x", "TimeStamp": moment}).platform_time is None

    def test_milliseconds_are_kept(self):
        assert only_event(row_push(gmt_modified=1700000000123)).platform_time.microsecond == 123_000

    def test_a_row_without_time_takes_that_of_its_data(self):
        event = only_event(row_push({"TimeStamp": "1700000000000"}, gmt_modified=None))

        assert event.platform_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"success",
        b"null",
        b"[]",
        b"{}",
        b'{"EventType":5}',
        b'{"EventType":""}',
        b'{"EventType":"\\u0000"}',
        b'{"EventType":null,"eventType":[]}',
        b'{"EventType":"a","EventType":"b"}',
        b'{"EventType":"\xff"}',
    ],
)
def test_a_message_without_event_type_is_malformed(message):
    with pytest.raises(MalformedEvent):
        read_push(message)


@pytest.mark.parametrize("biz_type", [2, 4, 7, 16, None])
def test_authorisations_app_states_companies_tickets_and_legacy_events_replace_nothing(biz_type):
    assert not is_latest_state(biz_type)


@pytest.mark.parametrize("biz_type", [13, 14, 15, 17, 0, 212])
def test_every_other_row_is_the_latest_state_of_its_object(biz_type):
    assert is_latest_state(biz_type)


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("a\x00b\ud800c", "abc"),
        ("abcdefghijk", "abcdefghij"),
        (5, "5"),
        (True, ""),
        (None, ""),
        ([], ""),
        (10**30, ""),
    ],
)
def test_a_cleaned_text_fits_a_text_column(value, cleaned):
    assert clean_text(value, 10) == cleaned


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "corp_id": st.just(CORP_ID) | JSON,
        "biz_type": st.sampled_from([2, 4, 7, 13, "4"]) | JSON,
        "biz_id": st.text(max_size=5) | JSON,
        "biz_data": JSON | JSON.map(json.dumps),
        "gmt_modified": st.just(1700000000000) | JSON,
        "subscribe_id": JSON,
    },
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW | JSON, max_size=4))
def test_whatever_the_rows_hold_each_is_an_event_and_can_be_stored(rows):
    push = push_of({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": rows})

    events = push.events()

    assert len(events) == len(rows)
    assert isinstance(push.tickets(), list)
    for event in events:
        stored = read_stored_data(event.body)
        assert isinstance(event, UnreadableEvent) or stored == event.data


@pytest.mark.parametrize("depth", [60, 62])
def test_the_deepest_and_most_swollen_message_can_be_stored_and_read_back(depth):
    data = '{"a":' + "[" * depth + "]" * depth + ',"b":[' + ",".join(["1e15"] * 100_000) + "]}"

    event = only_event(row_push(biz_data=data))

    assert read_stored_data(event.body) == event.data
