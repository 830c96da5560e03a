"""
One event by two ways: as a SyncHTTP row and as a row of the push database.

Both have the same identity when they say the same, but a column of the push database may hold whole seconds
where the push had milliseconds. So what came by the other way within a second, about the same object and
with the same content, is the same event. Two ways at the very same moment may both count: handlers do no
harm when they run twice.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings

from dingtalk.models import PushSource, ReceivedEvent, ReceivedPush
from dingtalk.protocol.events import SyncEvent, UnreadableEvent

# MySQL rounds a time that it has no digits for, up or down.
_ROUNDED = timedelta(seconds=1)

Event = SyncEvent | UnreadableEvent


def without_twins(push: ReceivedPush, events: Sequence[Event]) -> list[Event]:
    """Return the events of a push that have not come by the other way."""
    if not settings.RDS_DATABASE_URL:
        return list(events)
    return [event for event in events if not (isinstance(event, SyncEvent) and _has_twin(push, event))]


def _has_twin(push: ReceivedPush, event: SyncEvent) -> bool:
    if event.biz_type is None or event.platform_time is None:
        return False
    of_object = ReceivedEvent.objects.filter(
        suite_id=push.suite_id,
        corp_id=event.corp_id,
        biz_type=event.biz_type,
        biz_id=event.biz_id,
        platform_time__gt=event.platform_time - _ROUNDED,
        platform_time__lt=event.platform_time + _ROUNDED,
        payload__isnull=False,
    ).exclude(identity=event.identity)
    if push.source == PushSource.RDS:
        others = of_object.exclude(push__source=PushSource.RDS)
    elif event.platform_time.microsecond:
        others = of_object.filter(push__source=PushSource.RDS)
    else:
        return False
    return any(other.data() == event.data for other in others)
