"""What happens where MariaDB is not installed: it is said, and in CI it is a failure."""

import pytest

from tests.support import mariadb


@pytest.fixture(autouse=True)
def _not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mariadb, "_SYSTEM_PROGRAMS", "")


def test_on_a_persons_machine_the_tests_say_that_they_did_not_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="apt-get install mariadb-server"):
        mariadb.mariadb_port.__wrapped__()


def test_in_ci_they_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="apt-get install mariadb-server"):
        mariadb.mariadb_port.__wrapped__()
