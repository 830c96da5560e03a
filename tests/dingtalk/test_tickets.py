"""Which ticket is the current one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dingtalk.models import Suite, SuiteKind
from dingtalk.protocol.events import PushedTicket
from dingtalk.tickets import (
    current_ticket,
    current_tickets,
    store_tickets,
    ticket_ages,
    warn_of_overdue_tickets,
)
from tests.support.callbacks import make_suite

MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)


def store(suite: Suite, ticket: str, *, platform_minutes: float, received_minutes: float) -> None:
    pushed = PushedTicket(ticket=ticket, platform_time=MORNING + timedelta(minutes=platform_minutes))
    received_at = MORNING + timedelta(minutes=received_minutes)
    store_tickets(suite_id=suite.pk, tickets=[pushed], received_at=received_at)


def test_a_suite_without_a_push_has_no_ticket(suite: Suite) -> None:
    assert current_ticket(suite) is None
    assert current_tickets(suite) == []


def test_of_two_with_the_same_platform_time_the_one_received_later_is_current(suite: Suite) -> None:
    store(suite, "second", platform_minutes=0, received_minutes=2)
    store(suite, "first", platform_minutes=0, received_minutes=1)

    assert [ticket.ticket for ticket in current_tickets(suite)] == ["second", "first"]


def test_each_suite_has_its_own_tickets(suite: Suite) -> None:
    other = make_suite(suite_key="suiteother")
    store(suite, "ours", platform_minutes=0, received_minutes=0)
    store(other, "theirs", platform_minutes=5, received_minutes=5)

    current = current_ticket(suite)

    assert current is not None
    assert current.ticket == "ours"


def test_the_same_ticket_may_belong_to_two_suites(suite: Suite) -> None:
    other = make_suite(suite_key="suiteother")
    for one in (suite, other):
        store(one, "the same", platform_minutes=0, received_minutes=0)

    assert current_ticket(suite) is not None
    assert current_ticket(other) is not None


def test_a_ticket_is_overdue_after_six_hours_where_one_is_needed(suite: Suite, caplog: Any) -> None:
    late = make_suite(suite_id="2", suite_key="suitelate")
    make_suite(suite_id="3", suite_key="suitenew")
    make_suite(suite_id="4", suite_key="customapp", kind=SuiteKind.CUSTOM_APP)
    now = MORNING + timedelta(hours=6, minutes=30)
    store(suite, "in time", platform_minutes=31, received_minutes=31)
    store(late, "late", platform_minutes=29, received_minutes=29)

    ages = {each.suite_key: (each.age, each.is_overdue) for each in ticket_ages(now=now)}

    assert ages == {
        suite.suite_key: (timedelta(minutes=359), False),
        "suitelate": (timedelta(minutes=361), True),
        "suitenew": (None, False),
    }
    assert warn_of_overdue_tickets(now=now) == 1
    [record] = (record for record in caplog.records if record.message == "suite_ticket_overdue")
    assert (record.suite_key, record.age_hours) == ("suitelate", 6.0)
