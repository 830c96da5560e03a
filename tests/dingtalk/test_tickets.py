"""Which ticket is the current one."""

from datetime import UTC, datetime, timedelta

from dingtalk.models import Suite
from dingtalk.protocol.events import PushedTicket
from dingtalk.tickets import current_ticket, current_tickets, store_tickets
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
