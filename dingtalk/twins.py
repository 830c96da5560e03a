"""
One event by two ways: as a SyncHTTP row and as a row of the push database.

Both have the same identity when they say the same, but a column of the push database may hold whole seconds
where the push had milliseconds. So what came by the other way within a second, about the same object and
with the same content, is the same event. Two ways at the very same moment may both count: handlers do no
harm when they run twice.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q

from dingtalk.models import PushSource, RdsPosition, ReceivedEvent, ReceivedPush
from dingtalk.protocol.events import SyncEvent, UnreadableEvent

# MySQL rounds a time that it has no digits for, up or down.
_ROUNDED = timedelta(seconds=1)

Event = SyncEvent | UnreadableEvent


def without_twins(push: ReceivedPush, events: Sequence[Event]) -> list[Event]:
    """Return the events of a push that have not come by the other way."""
    doubtful = [event for event in events if isinstance(event, SyncEvent) and _may_have_twin(push, event)]
    if not doubtful or not RdsPosition.objects.exists():
        return list(events)
    twins = {event.identity for event in doubtful if _has_twin(push, event)}
    return [event for event in events if event.identity not in twins]


def _may_have_twin(push: ReceivedPush, event: SyncEvent) -> bool:
    """Whether its identity alone may not tell: a time in whole seconds is the same by both ways."""
    if event.biz_type is None or event.platform_time is None:
        return False
    return push.source == PushSource.RDS or event.platform_time.microsecond != 0


def _has_twin(push: ReceivedPush, event: SyncEvent) -> bool:
    if event.platform_time is None:
        return False
    of_object = ReceivedEvent.objects.filter(
        suite_id=push.suite_id,
        corp_id=event.corp_id,
        biz_type=event.biz_type,
        biz_id=event.biz_id,
        platform_time__gt=event.platform_time - _ROUNDED,
        platform_time__lt=event.platform_time + _ROUNDED,
        payload__isnull=False,
    )
    by_rds = Q(push__source=PushSource.RDS)
    by_the_other_way = of_object.filter(~by_rds if push.source == PushSource.RDS else by_rds)
    return any(other.data() == event.data for other in by_the_other_way.exclude(identity=event.identity))
