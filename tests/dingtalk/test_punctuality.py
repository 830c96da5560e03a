"""A database that says nothing: whoever waits for it is refused in time."""

import time

import pytest
from django.db import DatabaseError, connection

from dingtalk import punctuality
from dingtalk.models import ReceivedPush
from tests.journeys.processes import eventually
from tests.support.callback_signer import Signer
from tests.support.callbacks import Callbacks
from tests.support.protocol_fixtures import load_event

pytestmark = pytest.mark.django_db(transaction=True)

only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connection")


@only_postgresql
def test_a_statement_without_an_answer_ends_with_its_deadline():
    started = time.monotonic()

    with punctuality.Deadline(seconds=0.2), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(3)")

    assert time.monotonic() - started < 2
    connection.close()


@only_postgresql
def test_what_ends_in_time_keeps_its_connection():
    with punctuality.Deadline(seconds=0.2), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        kept = connection.connection
    time.sleep(0.4)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert connection.connection is kept


def test_what_was_stored_too_late_is_not_acknowledged_and_is_a_copy_when_it_comes_again(
    callbacks: Callbacks, signer: Signer, monkeypatch: pytest.MonkeyPatch
):
    query, body = signer.push(load_event("org_suite_auth"))
    with monkeypatch.context() as slow:
        slow.setattr(punctuality, "ANSWER_SECONDS", 1e-6)
        refused = callbacks.send(query, body)

    assert refused.status_code == 503
    # Its connection may have been cut while it was stored; then the database counts as away for a moment.
    eventually(lambda: callbacks.is_acknowledged(callbacks.send(query, body)), within=5, what="it is taken")
    assert ReceivedPush.objects.count() == 1
