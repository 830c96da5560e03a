"""Statements that give up early, and leave the connection as it was."""

import time

import pytest
from django.db import DatabaseError, OperationalError, connection

from dingtalk.models import Suite
from dingtalk.patience import execute_impatiently, impatient_transaction
from tests.support.locked_database import held_up

pytestmark = pytest.mark.django_db(transaction=True)

RENAME = "UPDATE dingtalk_suite SET name = %s"


def limits() -> list[object]:
    """What the connection's limits are now."""
    names = {"postgresql": ("statement_timeout", "lock_timeout"), "sqlite": ("busy_timeout",)}
    with connection.cursor() as cursor:
        found = []
        for name in names[connection.vendor]:
            cursor.execute(f"PRAGMA {name}" if connection.vendor == "sqlite" else f"SHOW {name}")
            found.append(cursor.fetchone()[0])
    return found


@pytest.fixture
def usual(suite: Suite) -> list[object]:
    """The connection's limits before the test."""
    return limits()


def test_a_statement_tells_how_many_rows_it_changed(usual: list[object]) -> None:
    assert execute_impatiently(RENAME, ["renamed"]) == 1
    assert execute_impatiently(f"{RENAME} WHERE name = %s", ["x", "no such"]) == 0
    assert Suite.objects.get().name == "renamed"


def test_the_limits_end_with_the_statement(usual: list[object]) -> None:
    execute_impatiently(RENAME, ["renamed"])

    assert limits() == usual


def test_the_limits_end_with_the_transaction(usual: list[object]) -> None:
    with impatient_transaction():
        Suite.objects.update(name="renamed")
        assert limits() != usual

    assert limits() == usual


def test_a_statement_that_is_held_up_fails_in_time(usual: list[object]) -> None:
    started = time.monotonic()
    with held_up(), pytest.raises(OperationalError):
        execute_impatiently(RENAME, ["renamed"])

    assert time.monotonic() - started < 1.2
    assert limits() == usual


def test_a_transaction_that_is_held_up_fails_in_time(usual: list[object]) -> None:
    started = time.monotonic()
    with held_up(), pytest.raises(DatabaseError), impatient_transaction():
        Suite.objects.update(name="renamed")

    assert time.monotonic() - started < 1.2
    assert limits() == usual
