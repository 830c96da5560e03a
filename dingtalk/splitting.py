"""
Making events of a received push: one row each, stored once however often and in whatever envelope it comes.

A SyncHTTP row is the latest state of an object: the older one is worth nothing once a newer one is here.
Sources: configure-synchttp-push, development-data-format-help
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_noop

from dingtalk.duplicate_events import came_by_another_way, has_another_way
from dingtalk.foundation.ids import part_id
from dingtalk.foundation.leases import lease_is_free
from dingtalk.lanes import later_than_outer
from dingtalk.models import WAITING_STATES, EventState, PushSource, ReceivedEvent, ReceivedPush
from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.event_catalogue import is_known
from dingtalk.protocol.events import SyncEvent, UnreadableEvent, is_latest_state, read_push
from dingtalk.protocol.json_guard import canonical_json
from dingtalk.protocol.stream_frames import read_stored_frame
from dingtalk.tickets import plausible_time

Event = SyncEvent | UnreadableEvent

# In one transaction, and those of one push more: a SyncHTTP push may hold a hundred.
EVENTS_TOGETHER = 100
# Below the number of variables that SQLite takes in one statement.
_IDS_PER_STATEMENT = 500
# Within one of these an event has one identity; see `dingtalk.duplicate_events`.
_WAYS = ((PushSource.HTTP, PushSource.STREAM), (PushSource.RDS,), (PushSource.FAILED_LIST,))


def split_push(push_id: UUID, *, now: datetime) -> bool:
    """
    Store the events of a push and mark it as split, in one transaction; return whether this call did it.

    It did not when the push was split before, or another process is at it.
    """
    return split_pushes([push_id], now=now) == 1


def split_pushes(push_ids: Sequence[UUID], *, now: datetime) -> int:
    """
    Split some pushes together, in one transaction; return how many this call has split.

    In the given order until there are `EVENTS_TOGETHER` events: what is behind them waits for their commit.
    One that cannot be split raises, and none is.
    """
    with transaction.atomic():
        waiting = ReceivedPush.objects.select_for_update(skip_locked=True).filter(split_at=None)
        found = {push.pk: push for push in waiting.filter(pk__in=push_ids)}
        events = _read_some([found[push_id] for push_id in push_ids if push_id in found])
        # Of an event that is in several, the oldest counts.
        pushes = sorted((found[push_id] for push_id in events), key=lambda push: push.pk)
        # An event that came by two ways is known by what is stored: so one way after the other.
        for sources in _WAYS:
            _store_events({push: events[push.pk] for push in pushes if push.source in sources}, now=now)
        ReceivedPush.objects.filter(pk__in=list(events)).update(split_at=now)
    return len(pushes)


def _read_some(pushes: Iterable[ReceivedPush]) -> dict[UUID, list[Event]]:
    """Return the events of the first pushes, until there are enough of them."""
    events: dict[UUID, list[Event]] = {}
    number = 0
    for push in pushes:
        events[push.pk] = _read_events(push)
        number += len(events[push.pk])
        if number >= EVENTS_TOGETHER:
            break
    return events


def _store_events(pushes: Mapping[ReceivedPush, Sequence[Event]], *, now: datetime) -> None:
    of_suites: dict[UUID, list[ReceivedEvent]] = defaultdict(list)
    for push, events in pushes.items():
        may_be_known = has_another_way(push)
        of_suites[push.suite_id] += [
            _new_row(push, event, number)
            for number, event in enumerate(events)
            if not (may_be_known and came_by_another_way(push, event))
        ]
    rows = [row for of_suite in of_suites.values() for row in of_suite]
    ReceivedEvent.objects.bulk_create(rows, ignore_conflicts=True)
    for suite_id, of_suite in of_suites.items():
        _supersede(suite_id, of_suite, now=now)


def _read_events(push: ReceivedPush) -> list[Event]:
    message = push.body or b""
    try:
        if push.source == PushSource.STREAM:
            return [read_stored_frame(message).event()]
        return read_push(message).events()
    except MalformedEvent as malformed:
        shown = canonical_json({"unreadable": message.decode("utf-8", "replace")})
        identity = hashlib.sha256(message).hexdigest()
        return [UnreadableEvent(identity=identity, body=shown, reason=str(malformed))]


def _new_row(push: ReceivedPush, event: Event, number: int) -> ReceivedEvent:
    """
    Return the row of an event, the `number`th of its push.

    Its id follows from the push's: split again, after a restore for example, tenant apps know it again.
    """
    row = ReceivedEvent(
        id=part_id(push.pk, number),
        suite_id=push.suite_id,
        push=push,
        identity=event.identity,
        corp_id=event.corp_id,
        platform_time=push.received_at,
        received_at=push.received_at,
        payload=event.body,
    )
    if isinstance(event, UnreadableEvent):
        row.state = EventState.DEAD
        row.last_error = event.reason[:500]
        return row
    row.event_type, row.biz_type, row.biz_id = event.event_type, event.biz_type, event.biz_id
    row.is_known = is_known(event.event_type, event.biz_type)
    row.platform_time = plausible_time(event.platform_time, received_at=push.received_at)
    if event.platform_time and row.platform_time != event.platform_time:
        row.note = gettext_noop("DingTalk's time is far in the future; ours is used")
    return row


def _supersede(suite_id: UUID, rows: Iterable[ReceivedEvent], *, now: datetime) -> None:
    """Mark every waiting older state of the objects in these rows, be it in the rows or from before."""
    objects: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for row in rows:
        # Without an id of its object a row is no state of one.
        if row.biz_id and is_latest_state(row.biz_type):
            objects[row.corp_id, row.biz_type].add(row.biz_id)
    for (corp_id, biz_type), biz_ids in objects.items():
        states = ReceivedEvent.objects.filter(suite_id=suite_id, corp_id=corp_id, biz_type=biz_type)
        newer = Exists(states.filter(later_than_outer(), biz_id=OuterRef("biz_id")))
        for some_ids in _chunks(biz_ids):
            states.filter(newer, lease_is_free(), biz_id__in=some_ids, state__in=WAITING_STATES).update(
                state=EventState.SUPERSEDED,
                handled_at=now,
                note=gettext_noop("a newer state of the same object came"),
            )


def _chunks(ids: set[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while chunk := list(islice(remaining, _IDS_PER_STATEMENT)):
        yield chunk
