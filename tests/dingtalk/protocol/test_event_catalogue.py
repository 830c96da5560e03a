"""The table of events, and each of its rows in the form in which DingTalk pushes it."""

import json

import pytest

from dingtalk.protocol.event_catalogue import (
    Delivery,
    EventEntry,
    Priority,
    find_event,
    is_known,
    load_event_catalogue,
    name_of_biz_type,
)
from dingtalk.protocol.events import URL_CHECKS, SyncEvent, read_push
from tests.support.callbacks import CORP_ID, sync_row

ENVELOPES = ("SYNC_HTTP_PUSH_HIGH", "SYNC_HTTP_PUSH_MEDIUM")
ROWS = [entry for entry in load_event_catalogue() if entry.biz_type is not None]
LEGACY = [
    entry
    for entry in load_event_catalogue()
    if Delivery.HTTP in entry.deliveries and entry.name not in URL_CHECKS
]


def named(entries: list[EventEntry]) -> object:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: f"{entry.name}-{entry.biz_type}")


def pushed_row(entry: EventEntry, data: dict[str, object], *, channel: str = "HIGH") -> SyncEvent:
    """What is read of a push with one row of this kind."""
    row = sync_row({}, biz_type=entry.biz_type, biz_data=json.dumps(data))
    push = {"EventType": f"SYNC_HTTP_PUSH_{channel}", "bizData": [row]}
    [event] = read_push(json.dumps(push).encode()).events()
    assert isinstance(event, SyncEvent)
    return event


def test_the_whole_table_is_loaded():
    table = load_event_catalogue()

    assert len(table) == 204
    assert all(entry.description and entry.source for entry in table)
    assert len({(entry.name, entry.biz_type) for entry in table}) == len(table)


def test_every_row_is_in_the_form_of_a_row_of_a_push_an_envelope_or_a_legacy_event():
    others = {entry.name for entry in load_event_catalogue() if entry not in ROWS and entry not in LEGACY}

    assert others == {*ENVELOPES, *URL_CHECKS}


@named(ROWS)
def test_a_row_is_read_by_its_name_in_either_channel_and_known(entry):
    for channel in ("HIGH", "MEDIUM"):
        event = pushed_row(entry, {"syncAction": entry.name or "undocumented"}, channel=channel)

        assert (event.event_type, event.biz_type) == (entry.name or "undocumented", entry.biz_type)
        assert is_known(event.event_type, event.biz_type)
    assert entry.priorities


@named(LEGACY)
@pytest.mark.parametrize("named_by", ["EventType", "eventType"])
def test_a_legacy_event_is_read_by_its_name_and_known(entry, named_by):
    document = {named_by: entry.name, "CorpId": CORP_ID, "TimeStamp": 1_700_000_000_000}

    [event] = read_push(json.dumps(document).encode()).events()

    assert (event.event_type, event.biz_type, event.corp_id) == (entry.name, None, CORP_ID)
    assert is_known(event.event_type, None)


@named([entry for entry in ROWS if entry.biz_type in (17, 63, 66)])
@pytest.mark.parametrize("named_by", ["EventType", "eventType", None])
def test_a_row_without_sync_action_is_told_by_its_other_name_or_its_biz_type(entry, named_by):
    assert pushed_row(entry, {named_by: entry.name} if named_by else {}).event_type == entry.name


def test_the_sync_action_counts_where_the_event_type_says_something_else():
    [entry] = [entry for entry in ROWS if entry.name == "market_service_open"]
    data = {"syncAction": "market_service_open", "eventType": "subscription_close"}

    assert pushed_row(entry, data).event_type == "market_service_open"


@pytest.mark.parametrize(
    ("name", "priorities", "biz_types", "deliveries"),
    [
        ("suite_ticket", ["high"], [2], {"stream", "http", "sync_http"}),
        ("user_add_org", ["medium"], [13], {"stream", "http", "sync_http"}),
        ("market_order", ["high", "medium"], [17], {"stream", "sync_http"}),
        ("isv_bpms", ["medium"], [22], {"sync_http"}),
        ("tmp_auth_code", [], [], {"http"}),
        ("label_conf_del", [], [], {"http"}),
        ("org_micro_app_remove", ["high"], [7], {"stream", "http", "sync_http"}),
    ],
)
def test_all_that_is_documented_of_a_name_is_found_by_it(name, priorities, biz_types, deliveries):
    event = find_event(name)

    assert event is not None
    assert event.description
    assert list(event.priorities) == [Priority(word) for word in priorities]
    assert list(event.biz_types) == biz_types
    assert event.deliveries == {Delivery(word) for word in deliveries}


@pytest.mark.parametrize(
    ("name", "biz_type", "known"),
    [
        ("user_modify_org", 13, True),
        ("crm_customer_track", 293, True),
        ("unheard_of", 13, False),
        ("unheard_of", None, False),
        ("USER_MODIFY_ORG", 13, False),
        ("whatever", 25, True),
        ("", 22, True),
        ("", 9999, False),
        ("", None, False),
    ],
)
def test_an_event_is_known_by_its_name_or_without_one_by_its_biz_type(name, biz_type, known):
    assert is_known(name, biz_type) == known
    assert find_event("unheard_of") is None


@pytest.mark.parametrize(
    ("biz_type", "name"), [(17, "market_order"), (4, ""), (25, ""), (309, ""), (9999, "")]
)
def test_a_biz_type_with_one_event_names_it(biz_type, name):
    assert name_of_biz_type(biz_type) == name
