"""A glance at a message tells what reading all of it tells, as far as receiving needs it."""

import json

import pytest

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import read_push
from dingtalk.protocol.glance import glance
from tests.support.callbacks import sync_push, sync_row, ticket_push
from tests.support.protocol_fixtures import event_names, load_event

ROW = sync_row({"syncAction": "user_add_org"})
TYPE_LAST = {"bizData": [ROW], "EventType": "SYNC_HTTP_PUSH_MEDIUM"}


def assert_tells_what_reading_tells(message: bytes) -> None:
    seen, push = glance(message), read_push(message)
    assert seen.event_type == push.event_type
    assert seen.suite_key == push.suite_key
    assert list(seen.tickets) == push.tickets()
    assert seen.is_url_check == push.is_url_check


@pytest.mark.parametrize("name", event_names())
@pytest.mark.parametrize("is_ascii", [True, False])
def test_it_tells_of_every_event_what_reading_it_tells(name: str, is_ascii: bool) -> None:
    for separators in ((",", ":"), (", ", ": ")):
        text = json.dumps(load_event(name), ensure_ascii=is_ascii, separators=separators)
        assert_tells_what_reading_tells(text.encode())


@pytest.mark.parametrize(
    "document",
    [
        TYPE_LAST,
        sync_push(),
        ticket_push("ticket-0001"),
        sync_push(ROW, *ticket_push("ticket-0001")["bizData"]),
        {**sync_push(ROW), "SuiteKey": "suiteother"},
        {"SuiteKey": "suiteother", **sync_push(ROW)},
        {"bizData": [ROW], "SuiteKey": "suiteother", "EventType": "SYNC_HTTP_PUSH_MEDIUM"},
        {**sync_push(ROW), "eventType": "check_url"},
        {"eventType": "check_url", **sync_push(ROW)},
        {"EventType": "check_url", "bizData": []},
    ],
)
def test_what_stands_beside_the_rows_is_seen(document: dict) -> None:
    assert_tells_what_reading_tells(json.dumps(document).encode())


def test_a_name_that_is_spelled_with_escapes_is_seen() -> None:
    named = json.dumps({**sync_push(ROW), "SuiteKey": "suiteother"}).replace('"SuiteKey"', r'"\u0053uiteKey"')
    ticket = json.dumps(ticket_push("ticket-0001")).replace("suiteTicket", r"suite\\u0054icket")

    assert glance(named.encode()).suite_key == "suiteother"
    assert_tells_what_reading_tells(ticket.encode())


@pytest.mark.parametrize(
    "message",
    [b"", b"[]", b"{}", b"\xff", b'{"EventType":"SYNC_HTTP_PUSH_HIGH","bizData":[', b'{"EventType":7}'],
)
def test_what_is_no_push_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedEvent):
        glance(message)


def test_two_event_types_are_refused() -> None:
    with pytest.raises(MalformedEvent):
        glance(b'{"EventType":"SYNC_HTTP_PUSH_HIGH","bizData":[],"EventType":"check_url","bizData":[]}')


def test_the_rows_are_not_looked_at() -> None:
    broken = b'{"EventType":"SYNC_HTTP_PUSH_HIGH","bizData":[{"a":NaN,]]}'

    assert glance(broken).event_type == "SYNC_HTTP_PUSH_HIGH"
