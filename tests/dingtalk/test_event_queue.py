"""Whose events are handed out next."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from dingtalk import event_queue, work
from dingtalk.event_queue import TurnsOfLanes
from dingtalk.lanes import first_due_events, walk_lanes
from dingtalk.models import EventState, ReceivedEvent, Suite
from dingtalk.work import DueRow
from tests.support.callbacks import make_suite
from tests.support.events import make_event


@pytest.fixture
def other_suite(suite: Suite) -> Suite:
    """One that is registered beside the usual one."""
    return make_suite(suite_key="suiteother000000001", suite_id="90001")


def companies(rows: list[DueRow]) -> list[str]:
    corp_ids = dict(ReceivedEvent.objects.values_list("pk", "corp_id"))
    return [corp_ids[row.id] for row in rows]


def test_a_company_with_many_events_does_not_delay_the_first_of_another(suite: Suite) -> None:
    for number in range(30):
        make_event(suite, corp_id="dingbusy", minutes=number)
    make_event(suite, corp_id="dingquiet", minutes=100)

    assert sorted(companies(TurnsOfLanes().claim_due(2))) == ["dingbusy", "dingquiet"]


def test_lanes_have_their_turns_one_after_the_other(suite: Suite) -> None:
    for number in range(5):
        make_event(suite, corp_id=f"ding{number}")
    turns = TurnsOfLanes()

    claimed = companies(turns.claim_due(2))
    # Both are due again at once, and come last all the same.
    ReceivedEvent.objects.update(dispatched_at=None)
    claimed += companies(turns.claim_due(3))

    assert sorted(claimed) == [f"ding{number}" for number in range(5)]


def test_events_that_name_no_company_have_a_turn(suite: Suite) -> None:
    make_event(suite, corp_id="")
    make_event(suite, corp_id="ding1")

    assert sorted(companies(TurnsOfLanes().claim_due(10))) == ["", "ding1"]


def test_suites_share_what_is_claimed(suite: Suite, other_suite: Suite) -> None:
    for number in range(20):
        make_event(suite, corp_id=f"ding{number:02}")
    for number in range(3):
        make_event(other_suite, corp_id=f"other{number}")

    claimed = companies(TurnsOfLanes().claim_due(8))

    assert Counter(corp_id[:4] for corp_id in claimed) == {"ding": 4, "othe": 3}


def test_a_suite_whose_tasks_fill_the_queue_waits_for_them(
    suite: Suite, other_suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_queue, "HANDED_OUT_PER_SUITE", 3)
    for number in range(6):
        make_event(suite, corp_id=f"ding{number}")
    turns = TurnsOfLanes()
    assert len(turns.claim_due(10)) == 3
    make_event(other_suite, corp_id="other")

    assert companies(turns.claim_due(10)) == ["other"]

    ReceivedEvent.objects.filter(dispatched_at__isnull=False, suite=suite).update(state=EventState.HANDLED)
    assert len(turns.claim_due(10)) == 3


def test_a_walk_goes_from_lane_to_lane_by_their_first_events(suite: Suite, other_suite: Suite) -> None:
    for corp_id in ("ding1", "ding2", "ding3"):
        make_event(suite, corp_id=corp_id, minutes=2)
    first = [make_event(suite, corp_id=corp_id, minutes=1) for corp_id in ("ding1", "ding2", "ding3")]
    make_event(suite, corp_id="ding2", state=EventState.HANDLED)
    make_event(other_suite, corp_id="ding2")

    assert list(walk_lanes(suite.pk, after=None, limit=2)) == [event.pk for event in first[:2]]
    assert walk_lanes(suite.pk, after="ding1", limit=9) == {first[1].pk: "ding2", first[2].pk: "ding3"}
    assert walk_lanes(suite.pk, after="ding3", limit=9) == {}


def test_what_is_handed_out_is_counted_for_a_moment(suite: Suite) -> None:
    make_event(suite, dispatched_at=timezone.now())
    make_event(suite, dispatched_at=timezone.now() - timedelta(seconds=work.AGAIN_AFTER_SECONDS + 1))

    assert work.handed_out_by_suite(ReceivedEvent.objects.all()) == {suite.pk: 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL, whose plans these are")
def test_with_a_hundred_thousand_waiting_events_a_claim_reads_only_some_rows(suite: Suite) -> None:
    pattern = make_event(suite, corp_id="dingbusy")
    with connection.cursor() as cursor:
        columns = [field.column for field in ReceivedEvent._meta.concrete_fields]
        changed = {
            "id": "gen_random_uuid()",
            "identity": "'waiting-' || number",
            "corp_id": "CASE WHEN number <= 90000 THEN 'dingbusy' ELSE 'ding' || MOD(number, 1000) END",
            # Many at the very same moment, as the rows of a push are.
            "platform_time": "platform_time + number / 1000 * interval '1 second'",
        }
        cursor.execute(
            f"INSERT INTO {ReceivedEvent._meta.db_table} ({', '.join(columns)})"
            f" SELECT {', '.join(changed.get(name, name) for name in columns)}"
            f" FROM {ReceivedEvent._meta.db_table}, generate_series(1, 100000) AS number WHERE id = %s",
            [pattern.pk],
        )
        # As autovacuum would: plans go by what is known of the tables, and other tests have left much there.
        for model in (ReceivedEvent, Suite):
            cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")
    read: dict[str, int] = {}

    with connection.execute_wrapper(partial(_explain, read)):
        claimed = TurnsOfLanes().claim_due(50)
        first = next(iter(walk_lanes(suite.pk, after="dingb", limit=1)))
        assert first_due_events().filter(pk=first).exists()

    assert len(claimed) == 50
    assert {sql: rows for sql, rows in read.items() if rows >= 2_000} == {}


def _explain(
    read: dict[str, int],
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,
    context: dict[str, Any],
) -> Any:
    """Note how many rows a statement's plan reads at most in one place; then let it run."""
    if sql.lstrip().startswith(("SELECT", "WITH")) and "advisory" not in sql:
        with context["connection"].connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql, params)
            plan = cursor.fetchone()[0][0]["Plan"]
            read[f"{sql}\n{plan}"] = _most_rows(plan)
    return execute(sql, params, many, context)


def _most_rows(plan: dict[str, Any]) -> int:
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max([int(own), *(_most_rows(child) for child in plan.get("Plans", []))])
