"""
One event by two ways whose identities differ, because the ways do not say the same.

A column of the push database may hold whole seconds where a SyncHTTP push has milliseconds: what came by the
other way within a second, about the same object and with the same content, is the same event. The list of
failed pushes has not the plaintext of the push: an event of the same type and time that says all that
the entry says is the same event. Two ways at the very same moment may both count, and so may an entry
whose time or content DingTalk words otherwise: handlers do no harm when they run twice.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from dingtalk.models import PushSource, RdsPosition, ReceivedEvent, ReceivedPush
from dingtalk.protocol.events import SyncEvent, UnreadableEvent

# MySQL rounds a time that it has no digits for, up or down.
_ROUNDED = timedelta(seconds=1)
_ABOUT_THE_PUSH = frozenset(
    {"eventtype", "timestamp", "eventtime", "corpid", "authcorpid", "suitekey", "syncaction"}
    | {"bpmscallbackdata", "rolelabelchange", "callbackdata"}
)

Event = SyncEvent | UnreadableEvent


def has_another_way(push: ReceivedPush) -> bool:
    """Tell whether events of a push may have come by another way at all: asked once for all of them."""
    return push.source in (PushSource.RDS, PushSource.FAILED_LIST) or RdsPosition.objects.exists()


def came_by_another_way(push: ReceivedPush, event: Event) -> bool:
    """Whether an event of a push is stored already, as it came by another way."""
    has_twin = {PushSource.FAILED_LIST: _was_pushed, PushSource.RDS: _was_pushed_as_row}.get(
        PushSource(push.source), _was_read_as_row
    )
    return isinstance(event, SyncEvent) and has_twin(push, event)


def _was_pushed_as_row(push: ReceivedPush, event: SyncEvent) -> bool:
    return _has_equal(_rows_within_a_second(push, event).exclude(push__source=PushSource.RDS), event)


def _was_read_as_row(push: ReceivedPush, event: SyncEvent) -> bool:
    """Ask only where the identity may not tell: a time in whole seconds is the same by both ways."""
    if event.biz_type is None or event.platform_time is None or not event.platform_time.microsecond:
        return False
    return _has_equal(_rows_within_a_second(push, event).filter(push__source=PushSource.RDS), event)


def _was_pushed(push: ReceivedPush, event: SyncEvent) -> bool:
    if event.platform_time is None:
        return False
    pushed = ReceivedEvent.objects.filter(
        suite_id=push.suite_id,
        corp_id=event.corp_id,
        event_type=event.event_type,
        platform_time=event.platform_time,
        payload__isnull=False,
    ).exclude(push__source=PushSource.FAILED_LIST)
    said = _content(event.data)
    return any(said.items() <= _content(other.data()).items() for other in pushed)


def _rows_within_a_second(push: ReceivedPush, event: SyncEvent) -> QuerySet[ReceivedEvent]:
    if event.biz_type is None or event.platform_time is None:
        return ReceivedEvent.objects.none()
    return ReceivedEvent.objects.filter(
        suite_id=push.suite_id,
        corp_id=event.corp_id,
        biz_type=event.biz_type,
        biz_id=event.biz_id,
        platform_time__gt=event.platform_time - _ROUNDED,
        platform_time__lt=event.platform_time + _ROUNDED,
        payload__isnull=False,
    )


def _has_equal(others: QuerySet[ReceivedEvent], event: SyncEvent) -> bool:
    return any(other.data() == event.data for other in others.exclude(identity=event.identity))


def _content(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what an event says beside whose it is and when it was, however its names are spelled."""
    plain = {name.replace("_", "").lower(): str(value) for name, value in data.items()}
    return {name: value for name, value in plain.items() if name not in _ABOUT_THE_PUSH}
