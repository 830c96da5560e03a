"""
How long what is stored of notifications is kept, and giving up on answers that will not come.

Counts serve a day, idempotency keys the repeats of two days, the log questions of three months.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import QuerySet

from dingtalk.retention import delete_rows, in_batches
from tenants.models import Notification, NotificationState, NotifiedPerson
from tenants.notifications.daily_limits import china_day
from tenants.notifications.sending import LOST_AFTER

KEY_HOURS = 48
LOG_DAYS = 90
COUNTED_DAYS = 2

logger = logging.getLogger(__name__)


def tidy(*, now: datetime) -> dict[str, int]:
    """Mark what was lost, remove what is old enough; return the number of rows by kind."""
    done = {
        "lost_notifications": _lost(now).update(state=NotificationState.UNKNOWN),
        "notified_people": in_batches(_old_counts(now), delete_rows),
        "idempotency_keys": in_batches(
            _old_keys(now), lambda rows: rows.update(idempotency_key="", warnings=None)
        ),
        "notifications": in_batches(_old_entries(now), delete_rows),
    }
    logger.info("notifications tidied", extra=done)
    return done


def _lost(now: datetime) -> QuerySet[Notification]:
    return Notification.objects.filter(
        state=NotificationState.SENDING, attempt_started_at__lt=now - LOST_AFTER
    )


def _old_counts(now: datetime) -> QuerySet[NotifiedPerson]:
    old = NotifiedPerson.objects.filter(day__lt=china_day(now) - timedelta(days=COUNTED_DAYS - 1))
    return old.order_by("day")


def _old_keys(now: datetime) -> QuerySet[Notification]:
    """Counted from the last attempt: a repeat of it may still come."""
    long_ago = now - timedelta(hours=KEY_HOURS)
    with_key = Notification.objects.filter(attempt_started_at__lt=long_ago).exclude(idempotency_key="")
    return with_key.order_by("attempt_started_at")


def _old_entries(now: datetime) -> QuerySet[Notification]:
    return Notification.objects.filter(created_at__lt=now - timedelta(days=LOG_DAYS)).order_by("created_at")
