"""The reader as a process among others: leases, failures, stopping, and its command."""

import signal
import socket
import sys
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dingtalk.foundation.leases import claim_lease
from dingtalk.models import RdsPosition, ReceivedPush
from dingtalk.rds.address import AddressError, Tls, read_address
from dingtalk.rds.database import PushDatabase, RdsUnavailable
from dingtalk.rds.reader import RdsReader
from tests.dingtalk.rds.conftest import HIGH, MEDIUM, SHANGHAI, Platform, Reading
from tests.journeys.processes import Process, eventually, manage
from tests.support import mariadb, shared_database

pytestmark = pytest.mark.django_db


class TestLease:
    """One reader at a time."""

    def test_a_second_reader_waits_and_takes_over_when_the_first_ends(
        self, platform: Platform, reading: Reading
    ):
        reading.all()
        second = reading.new_reader()
        platform.write("app")

        second.run_once()
        assert not ReceivedPush.objects.exists()

        reading.reader.close()
        second.run_once()
        assert ReceivedPush.objects.count() == 1

    def test_a_reader_that_froze_stores_nothing_when_another_has_taken_over(
        self, platform: Platform, reading: Reading
    ):
        reading.all()
        frozen = reading.reader
        RdsPosition.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        other = claim_lease(RdsPosition.objects.all(), RdsPosition.objects.get(table=HIGH).pk, seconds=60)
        platform.write("app")

        frozen.run_once()

        assert not ReceivedPush.objects.exists()
        assert RdsPosition.objects.get(table=HIGH).lease_epoch == other


class TestFailures:
    """A push database that is away."""

    def test_a_reader_says_what_is_wrong_and_goes_on_when_it_is_well(
        self, platform: Platform, reading: Reading
    ):
        reading.all()
        platform.execute(f"RENAME TABLE {HIGH} TO elsewhere")
        assert reading.reader.run_once() is False
        assert reading.reader.is_failing
        assert HIGH in RdsPosition.objects.get(table=HIGH).last_error

        platform.execute(f"RENAME TABLE elsewhere TO {HIGH}")
        platform.write("app")
        reading.all()

        assert ReceivedPush.objects.count() == 1
        assert RdsPosition.objects.get(table=HIGH).last_error == ""

    def test_a_table_that_is_missing_does_not_keep_the_other_one_waiting(
        self, platform: Platform, reading: Reading
    ):
        platform.execute(f"DROP TABLE {MEDIUM}")

        for number in range(3):
            platform.write(f"app{number}", seconds=number)
            reading.reader.run_once(now=time.monotonic())
            assert ReceivedPush.objects.count() == number + 1

        assert RdsPosition.objects.get(table=HIGH).last_error == ""
        assert MEDIUM in RdsPosition.objects.get(table=MEDIUM).last_error

    def test_a_connection_that_was_cut_is_opened_again(self, platform: Platform, reading: Reading):
        reading.all()
        for session in platform.execute("SHOW PROCESSLIST"):
            if session["User"].startswith("reader_"):
                platform.execute(f"KILL {session['Id']}")
        platform.write("app")

        reading.reader.run_once()
        reading.all()

        assert ReceivedPush.objects.count() == 1

    def test_a_wrong_password_is_said_without_any_password(self, platform: Platform):
        address = read_address(platform.url.replace(mariadb.PASSWORD_IN_URL, "canary-password"))

        with pytest.raises(RdsUnavailable) as refused:
            PushDatabase(address).facts(HIGH)

        assert "Access denied" in str(refused.value)
        assert "canary-password" not in f"{refused.value} {address!r} {address}"

    def test_a_server_that_says_nothing_is_given_up(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("dingtalk.rds.database.STATEMENT_TIMEOUT_SECONDS", 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"mysql://u:p@127.0.0.1:{silent.getsockname()[1]}/name"

            with pytest.raises(RdsUnavailable):
                PushDatabase(read_address(url)).facts(HIGH)

    def test_encryption_that_is_required_is_not_done_without(self, platform: Platform):
        encrypts = platform.execute("SHOW VARIABLES LIKE 'have_ssl'")[0]["Value"] == "YES"
        database = PushDatabase(read_address(platform.url), tls=Tls.REQUIRED)

        if encrypts:
            assert database.facts(HIGH).last_id == 0
        else:
            with pytest.raises(RdsUnavailable, match="SSL"):
                database.facts(HIGH)
        database.close()

    def test_nothing_can_be_written(self, platform: Platform):
        """The session is read only, whatever the user may do."""
        database = PushDatabase(read_address(mariadb.writer_url(platform.url).replace("root@", "root:@")))
        database.facts(HIGH)

        with database._connection.cursor() as cursor, pytest.raises(Exception, match="READ ONLY"):
            cursor.execute(f"DELETE FROM {HIGH}")
        database.close()


class TestStopping:
    """SIGTERM, and worse."""

    def test_a_reader_that_is_told_to_stop_lets_others_read_at_once(self, platform: Platform):
        stop = Event()
        reader = RdsReader(PushDatabase(read_address(platform.url)), zone=SHANGHAI)
        threading.Timer(0.3, stop.set).start()

        reader.run(stop)

        assert not RdsPosition.objects.exclude(lease_until=None).exists()

    @pytest.mark.django_db(transaction=True)
    def test_a_reader_that_is_killed_and_started_again_stores_each_row_once(
        self, platform: Platform, tmp_path: Path
    ):
        env = shared_database.environment(tmp_path, RDS_DATABASE_URL=platform.url)
        process = Process("rds", manage("rds"), env=env, log_dir=tmp_path).start()
        try:
            platform.write("first")
            eventually(lambda: ReceivedPush.objects.count() == 1, within=60, what=process.log())
            process.kill()
            RdsPosition.objects.update(lease_until=timezone.now())
            platform.write("second", seconds=1)
            process.start()
            eventually(lambda: ReceivedPush.objects.count() == 2, within=60, what=process.log())
            process._signal(signal.SIGTERM)
            eventually(lambda: not process.is_running, within=10, what="told to end")
        finally:
            process.kill()

        assert not RdsPosition.objects.exclude(lease_until=None).exists()
        assert mariadb.PASSWORD not in process.log()
        assert not ReceivedPush.objects.exclude(repeats=0).exists()


class TestCommand:
    """`manage.py rds`."""

    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("rds", *arguments, stdout=out)
        return out.getvalue()

    def test_it_reads_once_and_says_how_far(self, platform: Platform, settings: Any):
        settings.RDS_DATABASE_URL = platform.url
        platform.write("app")

        self.run("--once")

        assert ReceivedPush.objects.count() == 1
        assert f"{HIGH}: id 1" in self.run("--status")
        assert mariadb.PASSWORD_IN_URL not in self.run("--status")

    def test_it_says_that_there_is_nothing_to_read(self, settings: Any):
        settings.RDS_DATABASE_URL = ""

        with pytest.raises(CommandError, match="RDS_DATABASE_URL"):
            self.run()

    def test_it_names_the_packages_that_are_missing(self, settings: Any, monkeypatch: pytest.MonkeyPatch):
        settings.RDS_DATABASE_URL = "mysql://u:p@127.0.0.1/name"
        monkeypatch.setitem(sys.modules, "pymysql", None)

        with pytest.raises(CommandError, match=r"requirements-rds\.txt"):
            self.run("--once")

    def test_it_ends_with_an_error_when_the_database_cannot_be_read(self, settings: Any):
        settings.RDS_DATABASE_URL = "mysql://u:p@127.0.0.1:9/name"

        with pytest.raises(CommandError):
            self.run("--once")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:canary@host/name",
        "mysql://host/name",
        "mysql://u:canary@/name",
        "mysql://u:canary@host",
        "mysql://u:canary@host/name/more",
        "mysql://u:canary@host/na`me",
        "mysql://u:canary@host:0/name",
        "mysql://u:canary@host:99999/name",
        "mysql://u:canary@host/name?local_infile=1",
        "canary",
    ],
)
def test_an_odd_address_is_refused_without_being_shown(url: str):
    with pytest.raises(AddressError) as refused:
        read_address(url)

    assert "canary" not in str(refused.value)


def test_an_address_is_read():
    address = read_address("mysql://reader:p%40ss%2F@db.example:3307/push_rows")

    assert (address.host, address.port, address.name) == ("db.example", 3307, "push_rows")
    assert (address.user, address.password) == ("reader", "p@ss/")
    assert "p@ss" not in repr(address)
    assert str(address) == "db.example:3307/push_rows"
