"""
No operation reads a growing table from end to end, or more of an index than it needs, at 100,000 rows.

Each operation is done once, in a transaction that is rolled back, and every statement of it is explained.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tenants.feed.reading import WINDOW
from tests.growth import filling, operations
from tests.settings import ON_POSTGRESQL

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite is for small installations"),
]

TENANTS, EVENTS = 20_000, 100_000
GROWING = {
    *("tenants_authcorp", "tenants_tenant", "tenants_accesstoken", "tenants_tenanttransition"),
    *("dingtalk_receivedpush", "dingtalk_receivedevent", "foundation_auditentry", "tenants_notification"),
}
# Rows that a step of a plan may read: at most as many as the numbers that a page of the feed looks at.
# PostgreSQL reads all of these when it expects few of the suite, or stops at the fiftieth.
MOST_ROWS = WINDOW
EXPLAINED = ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")


@pytest.fixture(scope="module")
def place(django_db_setup: None, django_db_blocker: Any) -> Iterator[operations.Place]:
    """100,000 events, pushes and what goes with them, for all tests of the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        first, second, client = operations.make_suites_and_client()
        now = datetime.now(UTC).replace(microsecond=0)
        suites = (first.pk, second.pk)
        with filling.without_indexes():
            filling.fill(suites=suites, client=client.pk, tenants=TENANTS, events=EVENTS, now=now)
        filling.analyze()
        yield operations.enter(tenants=TENANTS, events=EVENTS, filled_at=now)
        transaction.set_rollback(True)
    operations.leave()


@pytest.mark.parametrize("operation", list(operations.operations()), ids=lambda operation: operation.name)
def test_what_is_read_does_not_grow_with_what_is_stored(
    place: operations.Place, operation: operations.Operation, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), transaction.atomic():
        prepared = operation.prepare(place)
        statements = _Statements()
        # While queries are captured, a warm token's statement goes by Django's cursor, too.
        with CaptureQueriesContext(connection), connection.execute_wrapper(statements):
            operation.run(place, prepared)
        transaction.set_rollback(True)

    assert not statements.problems


class _Statements:
    """Explains each statement before it is executed, and notes what is wrong with its plan."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if str(sql).lstrip().upper().startswith(EXPLAINED):
            self._explain(str(sql), params)
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> None:
        # What changes something is not executed twice.
        analyze = "ANALYZE, " if sql.startswith("SELECT") and "FOR UPDATE" not in sql else ""
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN ({analyze}FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        for step in _steps(plan[0]["Plan"]):
            reason = _wrong(step)
            if reason:
                self.problems.append(f"{reason}\n{sql[:2000]}")


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _steps(below)


def _wrong(step: dict[str, Any]) -> str:
    table = step.get("Relation Name")
    is_bounded = "Actual Rows" in step
    if step["Node Type"] == "Seq Scan" and table in GROWING and not is_bounded:
        return f"reads all of {table}"
    dropped = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
    rows = (step.get("Actual Rows", 0) + dropped) * step.get("Actual Loops", 0)
    if table in GROWING and rows > MOST_ROWS:
        return f"reads {rows:.0f} rows of {table}: {step}"
    return ""
