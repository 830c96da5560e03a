"""Receiving over real websockets: what is acknowledged is stored, what is not comes again."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.inbox import split_push
from dingtalk.models import ConnectionState, PushSource, ReceivedEvent, ReceivedPush, StreamConnection, Suite
from dingtalk.stream.status import connection_statuses
from dingtalk.suites import change_suite
from dingtalk.tickets import current_ticket
from tests.dingtalk.stream.service import RunningService
from tests.journeys.processes import eventually
from tests.support.locked_database import held_up
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="wang")


def change(suite: Suite, **changes: str) -> None:
    change_suite(suite, changes=changes, actor=OPERATOR, now=timezone.now())


def act(upstream: Upstream, action: str, **how: Any) -> dict[str, Any]:
    return dict(upstream.remote.act(SUITE_KEY, CORP_ID, action, **how))


def pushes(upstream: Upstream) -> list[dict[str, Any]]:
    return list(upstream.remote.pushes(suite_key=SUITE_KEY)["pushes"])


def status() -> Any:
    (one,) = connection_statuses()
    return one


def test_an_event_is_acknowledged_and_in_the_one_inbox(suite, upstream, connections):
    with RunningService():
        eventually(connections)
        done = act(upstream, "authorize")

    assert done["accepted"]
    push = ReceivedPush.objects.get()
    assert push.source == PushSource.STREAM
    split_push(push.pk, now=timezone.now())
    event = ReceivedEvent.objects.get()
    assert (event.event_type, event.corp_id) == ("org_suite_auth", CORP_ID)
    assert event.data()["permanentCode"] == done["grant"]["permanent_code"]


def test_a_ticket_becomes_the_current_one(suite, upstream, connections):
    with RunningService():
        eventually(connections)
        assert upstream.remote.push_ticket(SUITE_KEY)["accepted"]

    ticket = current_ticket(suite)
    assert ticket is not None
    assert ticket.ticket == upstream.remote.suite(SUITE_KEY)["suite_ticket"]


def test_what_the_database_refuses_is_sent_later_and_stored_once(suite, upstream, connections):
    with RunningService():
        eventually(connections)
        with held_up():
            refused = act(upstream, "authorize")
        (push,) = eventually(lambda: [push for push in pushes(upstream) if push["state"] == "delivered"])

    assert refused["pushes"][0]["reason"] == "acknowledged with code 200, status LATER"
    assert push["attempts"][-1]["accepted"]
    assert ReceivedPush.objects.count() == 1


def test_an_event_that_comes_again_is_acknowledged_again_and_stored_once(suite, upstream, connections):
    with RunningService():
        eventually(connections)
        upstream.fault("push", "drop_answer")
        act(upstream, "authorize")
        eventually(lambda: pushes(upstream)[0]["state"] == "delivered")

    assert ReceivedPush.objects.get().repeats == 1


def test_of_several_processes_one_connects(suite, upstream, connections):
    with RunningService(), RunningService():
        eventually(connections)
        act(upstream, "authorize")

        assert len(connections()) == 1
    assert ReceivedPush.objects.count() == 1


def test_whoever_stops_leaves_the_connection_to_the_next(suite, connections):
    with RunningService(lease_seconds=300):
        eventually(connections)

    assert StreamConnection.objects.get().state == ConnectionState.STOPPED
    with RunningService():
        eventually(connections)


def test_a_connection_that_ends_is_opened_again(suite, upstream, connections):
    with RunningService():
        (first,) = eventually(connections)
        upstream.remote._call("POST", f"/_sim/stream/connections/{first}/disconnect")
        eventually(lambda: connections() not in ([], [first]))

        assert act(upstream, "authorize")["accepted"]


def test_a_ping_is_answered(suite, upstream, connections):
    with RunningService():
        (first,) = eventually(connections)

        assert upstream.remote._call("POST", f"/_sim/stream/connections/{first}/ping")["answered"]


@contextmanager
def without_leases() -> Iterator[None]:
    """The database refuses whatever is asked of the connections' rows."""
    table = StreamConnection._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")


def test_without_the_database_the_connection_stays_and_the_process_ends_when_told(
    suite, upstream, connections, caplog
):
    with RunningService(lease_seconds=1.0) as service:
        (first,) = eventually(connections)
        with without_leases():
            eventually(lambda: "stream_lease_not_renewed" in caplog.text)
            assert act(upstream, "authorize")["accepted"]
            assert connections() == [first]
            service.stop()

    assert "stream_lease_not_given_back" in caplog.text


def test_suites_that_come_and_go_are_noticed(suite, connections):
    change(suite, push_mode="sync_http")
    with RunningService():
        change(suite, push_mode="stream")
        eventually(connections)
        change(suite, push_mode="sync_http")
        eventually(lambda: not connections())


def test_a_new_secret_is_used_at_once(suite, upstream, connections):
    with RunningService():
        (first,) = eventually(connections)
        upstream.remote._call("PUT", f"/_sim/suites/{SUITE_KEY}", {"suite_secret": "another-secret"})
        change(suite, suite_secret="another-secret")

        eventually(lambda: connections() not in ([], [first]))


def test_while_dingtalk_has_the_old_secret_it_counts(suite, upstream, connections):
    change(suite, suite_secret="not-yet-at-dingtalk")

    with RunningService():
        eventually(connections)


def test_why_a_suite_is_not_connected_is_shown_without_its_secret(suite, upstream, caplog):
    Suite.objects.filter(pk=suite.pk).update(
        suite_secret=Suite._meta.get_field("suite_secret").encrypt_for(suite.pk, "a-secret-that-is-wrong")
    )
    with RunningService(), caplog.at_level(logging.INFO):
        shown = eventually(lambda: status().last_error and status())

    assert shown.state == ConnectionState.CONNECTING
    assert "authFailed" in shown.last_error
    assert "a-secret-that-is-wrong" not in shown.last_error + caplog.text


def test_the_state_is_shown_while_connected_and_afterwards(suite, upstream, connections):
    with RunningService():
        eventually(connections)
        upstream.remote.push_ticket(SUITE_KEY)
        shown = eventually(lambda: status().state == ConnectionState.CONNECTED and status())
    stopped = status()

    assert shown.connected_since and shown.holder
    assert (stopped.state, stopped.connected_since, stopped.holder) == ("stopped", None, "")
    assert stopped.last_frame_at


def test_no_secret_of_the_conversation_is_logged(suite, upstream, connections, caplog):
    with caplog.at_level(logging.DEBUG), RunningService():
        (first,) = eventually(connections)
        ticket = upstream.remote.push_ticket(SUITE_KEY)["pushes"][0]["document"]["data"]["suiteTicket"]
        grant = act(upstream, "authorize")["grant"]
        upstream.remote._call("POST", f"/_sim/stream/connections/{first}/cut")
        eventually(lambda: connections() not in ([], [first]))

    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("dingtalk"))
    assert "stream_frame_received" in ours
    for secret in (ticket, grant["permanent_code"], suite.suite_secret):
        assert secret not in caplog.text
        assert secret not in json.dumps([str(vars(record)) for record in caplog.records])
    assert "?ticket=" not in caplog.text


@pytest.mark.parametrize(
    "frame", ["[]", "no json", "{}", '{"type":"EVENT"}', '{"type":"CALLBACK","headers":[]}']
)
def test_an_odd_frame_does_not_end_the_connection(suite, upstream, connections, frame):
    with RunningService():
        (first,) = eventually(connections)
        upstream.remote._call("POST", f"/_sim/stream/connections/{first}/send", {"text": frame})

        assert act(upstream, "authorize")["accepted"]
        assert connections() == [first]
