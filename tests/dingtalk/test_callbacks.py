"""Credentials that change while callbacks arrive, and tickets."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from dingtalk.credentials import RELOAD_PAUSE_SECONDS, callback_credentials
from dingtalk.models import ReceivedPush, Suite, SuiteTicket
from dingtalk.tickets import current_ticket, current_tickets
from tests.support.callback_signer import Signer
from tests.support.callbacks import (
    ENCODING_AES_KEY,
    OTHER_AES_KEY,
    PLATFORM_TIME_MS,
    SUITE_KEY,
    TOKEN,
    Callbacks,
    ticket_push,
)
from tests.support.protocol_fixtures import load_event

NEW_TOKEN = "newcallbacktoken0002"


def rotate(suite: Suite, *, token: str = TOKEN, aes_key: str = ENCODING_AES_KEY, hours: float = 48) -> None:
    """Change the credentials in the database, as another process would."""
    until = timezone.now() + timedelta(hours=hours)
    changed = Suite.objects.get(pk=suite.pk)
    if token != changed.callback_token:
        changed.callback_token_previous, changed.callback_token_previous_until = TOKEN, until
        changed.callback_token = token
    if aes_key != changed.encoding_aes_key:
        changed.encoding_aes_key_previous, changed.encoding_aes_key_previous_until = ENCODING_AES_KEY, until
        changed.encoding_aes_key = aes_key
    changed.version += 1
    changed.save()


def known_for_a_while(suite: Suite) -> None:
    """Let this process have the suite's credentials for longer than the pause between two looks."""
    kept = callback_credentials.get(suite.path_slug)
    object.__setattr__(kept, "read_at", kept.read_at - 2 * RELOAD_PAUSE_SECONDS)


def test_new_credentials_are_taken_by_a_process_that_knows_the_old_ones(callbacks: Callbacks) -> None:
    known_for_a_while(callbacks.suite)
    rotate(callbacks.suite, token=NEW_TOKEN, aes_key=OTHER_AES_KEY)
    callbacks.signer = Signer(NEW_TOKEN, OTHER_AES_KEY, SUITE_KEY)

    reply = callbacks.push(load_event("suite_ticket"))

    assert callbacks.is_acknowledged(reply)
    assert ReceivedPush.objects.count() == 1


def test_wrong_signatures_do_not_make_us_ask_the_database_each_time(
    callbacks: Callbacks, django_assert_num_queries
) -> None:
    callbacks.push(load_event("suite_ticket"))
    known_for_a_while(callbacks.suite)
    callbacks.signer = Signer("a-guessed-token", ENCODING_AES_KEY, SUITE_KEY)

    # The first is noted for the operator, which is done at most once a second.
    callbacks.push(load_event("suite_ticket"))

    with django_assert_num_queries(0):
        statuses = {callbacks.push(load_event("suite_ticket")).status_code for _ in range(5)}

    assert statuses == {400}


@pytest.mark.parametrize("token", [TOKEN, NEW_TOKEN])
@pytest.mark.parametrize("aes_key", [ENCODING_AES_KEY, OTHER_AES_KEY])
def test_every_pair_of_old_and_new_credentials_works_during_a_rotation(
    callbacks: Callbacks, token: str, aes_key: str
) -> None:
    rotate(callbacks.suite, token=NEW_TOKEN, aes_key=OTHER_AES_KEY)
    callbacks.signer = Signer(token, aes_key, SUITE_KEY)

    assert callbacks.is_acknowledged(callbacks.push(load_event("suite_ticket")))


def test_old_credentials_end_at_their_time_also_in_a_process_that_has_them(callbacks: Callbacks) -> None:
    rotate(callbacks.suite, token=NEW_TOKEN, hours=48)
    in_time = callbacks.push(load_event("suite_ticket"))

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=49)):
        too_late = callbacks.push(load_event("org_suite_auth"))

    assert callbacks.is_acknowledged(in_time)
    assert too_late.status_code == 400


def test_credentials_that_were_withdrawn_store_nothing_more(callbacks: Callbacks) -> None:
    callbacks.push(load_event("suite_ticket"))
    rotate(callbacks.suite, token=NEW_TOKEN, hours=-1)

    reply = callbacks.push(load_event("org_suite_auth"))

    assert reply.status_code == 400
    assert ReceivedPush.objects.count() == 1


def test_credentials_that_were_withdrawn_pass_no_url_check(callbacks: Callbacks) -> None:
    callbacks.push(load_event("suite_ticket"))
    rotate(callbacks.suite, token=NEW_TOKEN, hours=-1)

    reply = callbacks.push(load_event("check_url"))

    assert reply.status_code == 400
    assert Suite.objects.get().callback_verified_at is None


def test_a_change_that_leaves_the_credentials_alone_costs_nothing(callbacks: Callbacks) -> None:
    callbacks.push(load_event("suite_ticket"))
    Suite.objects.update(version=7)

    reply = callbacks.push(load_event("org_suite_auth"))

    assert callbacks.is_acknowledged(reply)
    assert callback_credentials.get(callbacks.suite.path_slug).version == 7


def test_a_deleted_suite_is_an_unknown_one(callbacks: Callbacks) -> None:
    callbacks.push(load_event("suite_ticket"))
    Suite.objects.all().delete()

    assert callbacks.push(load_event("org_suite_auth")).status_code == 400


def test_a_ticket_pushed_twice_is_acknowledged_twice_and_stored_once(callbacks: Callbacks) -> None:
    replies = [callbacks.push(load_event("suite_ticket")) for _ in range(2)]

    assert all(callbacks.is_acknowledged(reply) for reply in replies)
    assert ReceivedPush.objects.count() == 2
    assert SuiteTicket.objects.count() == 1


def test_an_older_ticket_that_arrives_late_does_not_become_current(callbacks: Callbacks) -> None:
    hours = 3_600_000
    for ticket, time_ms in (("newest", 10 * hours), ("oldest", 0), ("older", 5 * hours)):
        callbacks.push(ticket_push(ticket, time_ms=PLATFORM_TIME_MS + time_ms))

    found = [ticket.ticket for ticket in current_tickets(callbacks.suite)]

    assert found == ["newest", "older"]


def test_a_ticket_from_the_far_future_does_not_stay_the_newest_for_ever(callbacks: Callbacks) -> None:
    in_2090 = 3_786_912_000_000
    callbacks.push(ticket_push("from-the-future", time_ms=in_2090))
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=5)):
        callbacks.push(ticket_push("from-now", time_ms=int(datetime.now(UTC).timestamp() * 1000)))

    current = current_ticket(callbacks.suite)

    assert current is not None
    assert current.ticket == "from-now"
    assert SuiteTicket.objects.count() == 2


def test_a_ticket_without_a_time_counts_from_when_it_came(callbacks: Callbacks) -> None:
    callbacks.push({"EventType": "suite_ticket", "SuiteKey": SUITE_KEY, "SuiteTicket": "ticket-0001"})

    ticket = SuiteTicket.objects.get()

    assert ticket.platform_time == ticket.received_at


def test_a_url_check_is_noted_once_a_minute(callbacks: Callbacks) -> None:
    start = datetime(2026, 11, 20, 9, tzinfo=UTC)
    noted = []
    for seconds in (0, 30, 90):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            callbacks.push(load_event("check_url"))
            noted.append(Suite.objects.get().callback_verified_at)

    assert noted == [start, start, start + timedelta(seconds=90)]
