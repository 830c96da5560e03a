import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dingtalk.models import ConnectionState, StreamConnection
from dingtalk.stream.leadership import claim_connection, keep_connection, release_connection
from dingtalk.stream.status import connection_statuses
from tests.support.callbacks import make_suite

CONNECTED = {"state": ConnectionState.CONNECTED, "connected_since": timezone.now()}


@pytest.fixture
def suite(db):
    return make_suite(push_mode="stream")


def claim(suite, holder="one"):
    return claim_connection(suite.pk, holder=holder, seconds=15)


def let_lease_run_out(suite):
    StreamConnection.objects.filter(pk=suite.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_one_process_at_a_time_connects_a_suite(suite):
    first = claim(suite)

    assert first is not None
    assert claim(suite, holder="two") is None
    assert StreamConnection.objects.get().holder == "one"


def test_suites_are_led_one_by_one(suite):
    other = make_suite(suite_key="suiteother00001", push_mode="stream")

    assert None not in (claim(suite), claim(other, holder="two"))


def test_what_is_given_back_can_be_had_at_once(suite):
    epoch = claim(suite)

    release_connection(suite.pk, epoch, report={"last_error": "once"})

    assert StreamConnection.objects.get().last_error == "once"
    assert claim(suite, holder="two") is not None


def test_a_process_that_wakes_up_late_changes_nothing(suite):
    late = claim(suite)
    let_lease_run_out(suite)
    claim(suite, holder="two")

    assert not keep_connection(suite.pk, late, seconds=15, report=CONNECTED)
    release_connection(suite.pk, late, report=CONNECTED)

    row = StreamConnection.objects.get()
    assert (row.holder, row.state) == ("two", ConnectionState.CONNECTING)
    assert claim(suite, holder="three") is None


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_ours(suite):
    epoch = claim(suite)
    let_lease_run_out(suite)

    assert keep_connection(suite.pk, epoch, seconds=15, report=CONNECTED)
    assert claim(suite, holder="two") is None


def test_the_status_of_a_connection_whose_process_is_gone_is_stopped(suite):
    epoch = claim(suite)
    keep_connection(suite.pk, epoch, seconds=15, report=CONNECTED)
    before = connection_statuses()
    let_lease_run_out(suite)

    assert [status.state for status in before] == ["connected"]
    assert [status.state for status in connection_statuses()] == ["stopped"]


def test_the_command_shows_every_suite_of_this_mode(suite):
    make_suite(suite_key="suiteother00001")
    keep_connection(suite.pk, claim(suite, holder="portal-1:7"), seconds=15, report=CONNECTED)
    text, rows = StringIO(), StringIO()

    call_command("stream", "--status", stdout=text)
    call_command("stream", "--status", "--json", stdout=rows)

    assert f"{suite.suite_key}  connected  since" in text.getvalue()
    assert "portal-1:7" in text.getvalue()
    assert [row["suite_key"] for row in json.loads(rows.getvalue())] == [suite.suite_key]


def test_without_such_a_suite_the_command_says_so(db):
    text = StringIO()

    call_command("stream", "--status", stdout=text)

    assert text.getvalue().strip()


def test_without_the_extra_the_command_names_what_to_install(db, monkeypatch):
    monkeypatch.setattr("dingtalk.stream.extra.PACKAGE", "no_such_package")

    with pytest.raises(CommandError, match=r"requirements-stream\.txt"):
        call_command("stream")


@pytest.mark.parametrize("seconds", ["0", "301", "nan"])
def test_a_lease_of_no_sense_is_refused(db, seconds):
    with pytest.raises(CommandError):
        call_command("stream", "--lease-seconds", seconds)
