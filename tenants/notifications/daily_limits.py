"""
What DingTalk would drop without saying so, known before it is sent.

Counted are people who are named: who is in a department is DingTalk's to know. A day is one of China. Counts
are kept by keyed digests, and taken back when nothing was sent.
Source: asynchronous-sending-of-enterprise-session-messages.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Sum

from tenants.errors import WouldBeDropped
from tenants.models import Notification, NotificationState, NotifiedPerson, Tenant
from tenants.notifications.requests import SendRequest, person_digest

CHINA = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)


class WarningCode(StrEnum):
    """Why copies would be dropped, or why nobody can tell."""

    SAME_CONTENT = "same_content_today"
    DAILY_LIMIT = "daily_limit"
    MINUTE_LIMIT = "receivers_per_minute"
    NOT_COUNTED = "not_counted"


@dataclass(frozen=True)
class SendWarning:
    """One reason and the people it concerns; none are named where it concerns all, or cannot be told."""

    code: WarningCode
    user_ids: Sequence[str] = ()


def check_limits(tenant: Tenant, request: SendRequest, *, agent_id: int, now: datetime) -> list[SendWarning]:
    """
    Return what will be dropped of a notification.

    Raises WouldBeDropped when that is all of it, when the app wants all or nothing, and when the agent has
    had so many receivers within a minute that these would be too many.
    """
    _check_minute(tenant, len(request.receivers.user_ids), agent_id=agent_id, now=now)
    dropped = _dropped(tenant, request, agent_id=agent_id, day=china_day(now))
    concerned = {user_id for warning in dropped for user_id in warning.user_ids}
    named = request.receivers.user_ids
    is_counted = not (request.receivers.dept_ids or request.receivers.to_all_users)
    if concerned and (request.strict or (is_counted and len(concerned) == len(named))):
        raise WouldBeDropped([(warning.code, warning.user_ids) for warning in dropped])
    return dropped if is_counted else [*dropped, SendWarning(WarningCode.NOT_COUNTED)]


def count_people(
    notification: Notification, request: SendRequest, warnings: Sequence[SendWarning], *, now: datetime
) -> None:
    """Count a notification for those who will get it."""
    dropped = {user_id for warning in warnings for user_id in warning.user_ids}
    rows = [
        NotifiedPerson(
            tenant_id=notification.tenant_id,
            notification=notification,
            day=china_day(now),
            person=person_digest(notification.tenant, agent_id=notification.agent_id, user_id=user_id),
            content=notification.content_digest,
        )
        for user_id in request.receivers.user_ids
        if user_id not in dropped
    ]
    NotifiedPerson.objects.bulk_create(rows, ignore_conflicts=True)


def china_day(now: datetime) -> date:
    """Return the day in China, which DingTalk's limits begin anew with."""
    return now.astimezone(CHINA).date()


def _check_minute(tenant: Tenant, count: int, *, agent_id: int, now: datetime) -> None:
    recent = Notification.objects.filter(
        tenant=tenant, agent_id=agent_id, attempt_started_at__gt=now - MINUTE
    ).exclude(state=NotificationState.FAILED)
    already = recent.aggregate(total=Sum("user_count"))["total"] or 0
    if already + count > settings.NOTIFICATION_RECEIVERS_PER_MINUTE:
        raise WouldBeDropped([(WarningCode.MINUTE_LIMIT, ())], retry_after_seconds=60)


def _dropped(tenant: Tenant, request: SendRequest, *, agent_id: int, day: date) -> list[SendWarning]:
    people = {
        person_digest(tenant, agent_id=agent_id, user_id=user_id): user_id
        for user_id in request.receivers.user_ids
    }
    today = NotifiedPerson.objects.filter(tenant=tenant, day=day, person__in=people)
    same = set(today.filter(content=request.content_digest()).values_list("person", flat=True))
    per_person = today.values("person").annotate(messages=Count("pk")).order_by()
    most = settings.NOTIFICATIONS_PER_PERSON_AND_DAY
    full = set(per_person.filter(messages__gte=most).values_list("person", flat=True)) - same
    found = [
        SendWarning(WarningCode.SAME_CONTENT, _named(people, same)),
        SendWarning(WarningCode.DAILY_LIMIT, _named(people, full)),
    ]
    return [warning for warning in found if warning.user_ids]


def _named(people: dict[str, str], digests: Collection[str]) -> list[str]:
    """The people behind some digests, in the order in which the app named them."""
    return [user_id for digest, user_id in people.items() if digest in digests]
