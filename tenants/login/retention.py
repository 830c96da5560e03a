"""Removing logins that nobody can complete any more, and tokens of people that DingTalk renews no more."""

import logging
from datetime import datetime, timedelta

from django.db.models import QuerySet

from dingtalk.retention import delete_rows, in_batches
from tenants.models import LoginState, UserToken

logger = logging.getLogger(__name__)

# A state that has ended is of no use; a day is for who looks into a login that went wrong.
STATE_DAYS = 1


def prune_logins(*, now: datetime) -> dict[str, int]:
    """Remove what is over; return the number of rows by kind."""
    removed = {
        "login_states": in_batches(_old_states(now), delete_rows),
        "user_tokens": in_batches(_dead_tokens(now), delete_rows),
    }
    logger.info("logins_pruned", extra=removed)
    return removed


def _old_states(now: datetime) -> QuerySet[LoginState]:
    return LoginState.objects.filter(expires_at__lt=now - timedelta(days=STATE_DAYS)).order_by("expires_at")


def _dead_tokens(now: datetime) -> QuerySet[UserToken]:
    """Those that are over and cannot be renewed; one without a refresh token lasts until it ends."""
    dead = UserToken.objects.filter(refresh_expires_at__lt=now, expires_at__lt=now)
    return dead.order_by("refresh_expires_at")
