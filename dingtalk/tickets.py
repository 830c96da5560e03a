"""
Suite tickets: stored when they are pushed; the newest by DingTalk's own time is the current one.

They never expire on our side: DingTalk says how long one is good by refusing it.
Source: open.dingtalk.com, "push-suite-ticket-events"
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Max

from dingtalk.foundation.prepared import fetch_row
from dingtalk.models import Suite, SuiteKind, SuiteTicket
from dingtalk.protocol.events import PushedTicket

# A platform time further ahead of ours cannot be right; it would stay the newest forever.
MAX_SECONDS_AHEAD = 24 * 60 * 60
# DingTalk pushes one about every five hours, and none any more after a hundred that were not acknowledged.
OVERDUE_AFTER = timedelta(hours=6)
_CURRENT = 2
_NEWEST_FIRST = ("-platform_time", "-received_at", "-id")
# The same, for what is asked twice for each company that authorises.
_NEWEST = """
    SELECT id FROM {table} WHERE suite_id = %s ORDER BY platform_time DESC, received_at DESC, id DESC LIMIT 1
"""

logger = logging.getLogger(__name__)


def plausible_time(platform_time: datetime | None, *, received_at: datetime) -> datetime:
    """Return DingTalk's time, or ours when DingTalk's is missing or more than a day in the future."""
    latest = received_at + timedelta(seconds=MAX_SECONDS_AHEAD)
    if platform_time is None or platform_time > latest:
        return received_at
    return platform_time


def store_tickets(*, suite_id: UUID, tickets: Iterable[PushedTicket], received_at: datetime) -> None:
    """Store pushed tickets; one that is known already is stored once."""
    rows = [_new_ticket(suite_id, ticket, received_at) for ticket in tickets]
    SuiteTicket.objects.bulk_create(rows, ignore_conflicts=True)


def current_tickets(suite: Suite) -> list[SuiteTicket]:
    """Return the newest two tickets, the newest first: the second is what to fall back to."""
    newest_first = SuiteTicket.objects.filter(suite=suite).order_by(*_NEWEST_FIRST)
    return list(newest_first[:_CURRENT])


def current_ticket(suite: Suite) -> SuiteTicket | None:
    """Return the newest ticket, or None before the first push."""
    return next(iter(current_tickets(suite)), None)


def newest_ticket_id(suite_id: UUID) -> UUID | None:
    """Return which ticket is current, so that two looks can be compared; None before the first push."""
    suite = SuiteTicket._meta.get_field("suite").get_db_prep_value(suite_id, connection)
    row = fetch_row(_NEWEST.format(table=SuiteTicket._meta.db_table), [str(suite)])
    return UUID(str(row[0])) if row else None


@dataclass(frozen=True)
class TicketAge:
    """How old a suite's current ticket is; None before the first push."""

    suite_key: str
    age: timedelta | None

    @property
    def is_overdue(self) -> bool:
        """Whether DingTalk should have pushed another one by now."""
        return self.age is not None and self.age > OVERDUE_AFTER


def ticket_ages(*, now: datetime) -> list[TicketAge]:
    """Return the age of each suite's ticket; customised apps get none, and are not among them."""
    suites = Suite.objects.filter(kind=SuiteKind.SUITE).annotate(newest=Max("tickets__platform_time"))
    return [
        TicketAge(suite_key, None if newest is None else now - newest)
        for suite_key, newest in suites.values_list("suite_key", "newest")
    ]


def warn_of_overdue_tickets(*, now: datetime) -> int:
    """Log each suite whose ticket is overdue; return how many there are."""
    overdue = [each for each in ticket_ages(now=now) if each.is_overdue]
    for each in overdue:
        hours = round(each.age.total_seconds() / 3_600, 1) if each.age else 0
        logger.warning("suite_ticket_overdue", extra={"suite_key": each.suite_key, "age_hours": hours})
    return len(overdue)


def _new_ticket(suite_id: UUID, pushed: PushedTicket, received_at: datetime) -> SuiteTicket:
    platform_time = plausible_time(pushed.platform_time, received_at=received_at)
    if pushed.platform_time and platform_time != pushed.platform_time:
        logger.warning("ticket_from_the_future", extra={"platform_time": pushed.platform_time.isoformat()})
    return SuiteTicket(
        suite_id=suite_id,
        ticket=pushed.ticket,
        digest=hashlib.sha256(pushed.ticket.encode()).hexdigest(),
        platform_time=platform_time,
        received_at=received_at,
    )
