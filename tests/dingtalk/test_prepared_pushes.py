"""Pushes in a process that takes nothing else: the session gives up early, and the statement is prepared."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from dingtalk.models import ReceivedPush
from dingtalk.patience import SESSION_LIMITS
from tests.settings import ON_POSTGRESQL
from tests.support.callback_signer import Signer
from tests.support.callbacks import Callbacks, sync_push, sync_row
from tests.support.locked_database import held_up
from tests.support.protocol_fixtures import load_event

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has no sessions"),
]


@pytest.fixture(autouse=True)
def _session_limits() -> Iterator[None]:
    options = connection.settings_dict["OPTIONS"]
    usual = options["options"]
    options["options"] = f"{usual} {SESSION_LIMITS}"
    connection.close()
    yield
    options["options"] = usual
    connection.close()


def new_push() -> dict[str, object]:
    return sync_push(sync_row({"syncAction": "user_add_org"}))


def test_a_push_is_stored_as_it_came_and_its_repeats_are_counted(
    callbacks: Callbacks, signer: Signer
) -> None:
    query, body = signer.push(load_event("org_suite_auth"))

    replies = [callbacks.send(query, body) for _ in range(3)]

    assert all(callbacks.is_acknowledged(reply) for reply in replies)
    stored = ReceivedPush.objects.get()
    assert (stored.suite_id, stored.source, stored.repeats) == (callbacks.suite.pk, "http", 2)
    assert stored.body.startswith(b"{")
    assert stored.split_at is None


def test_an_ordinary_push_takes_one_round_trip(callbacks: Callbacks, tmp_path: Path) -> None:
    callbacks.push(new_push())
    trace = tmp_path / "trace"

    with trace.open("w") as file:
        connection.connection.pgconn.trace(file.fileno())
        reply = callbacks.push(new_push())
        connection.connection.pgconn.untrace()

    assert callbacks.is_acknowledged(reply)
    sent = [line.split("\t")[3] for line in trace.read_text().splitlines() if "\tF\t" in line]
    assert sent == ["Bind", "Describe", "Execute", "Sync"]


def test_what_is_held_up_is_not_acknowledged(callbacks: Callbacks) -> None:
    callbacks.push(new_push())
    started = time.monotonic()

    with held_up():
        refused = callbacks.push(new_push())

    assert refused.status_code == 503
    assert time.monotonic() - started < 1.2
    assert callbacks.is_acknowledged(callbacks.push(new_push()))


def test_a_connection_that_has_died_costs_no_push(callbacks: Callbacks) -> None:
    callbacks.push(new_push())
    kept = connection.connection.info
    with psycopg.connect(kept.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [kept.backend_pid])
    time.sleep(0.1)

    assert callbacks.is_acknowledged(callbacks.push(new_push()))
    assert ReceivedPush.objects.count() == 2
