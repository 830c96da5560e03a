"""Celery tasks of dingtalk: each is given a row's id or nothing, makes one call, and may run twice."""

from uuid import UUID

from celery import shared_task
from celery.exceptions import Ignore
from django.utils import timezone

from dingtalk import inbox, retention, tickets


@shared_task(ignore_result=True)
def handle_event_lane(event_id: str) -> None:
    """Handle an event and those after it in its lane."""
    inbox.handle_lane(UUID(event_id))


@shared_task(ignore_result=True)
def prune() -> None:
    """Remove what has been kept long enough (on the beat schedule)."""
    retention.prune(now=timezone.now())


@shared_task(ignore_result=True)
def warn_of_overdue_tickets() -> None:
    """Log the suites whose ticket is overdue (on the beat schedule)."""
    tickets.warn_of_overdue_tickets(now=timezone.now())


@shared_task(ignore_result=True)
def pulse() -> None:
    """Show that the worker takes and runs tasks (`dingtalk.pulses`); raises Ignore, which is not logged."""
    raise Ignore
