"""
Storing an event frame: what an acknowledgement waits for.

As with callbacks, what is authentic is ours from then on, also when it cannot be read, and what could not be
stored is sent again. Source: developerpedia, "learn/stream/protocol"
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from dingtalk.models import PushSource, ReceivedPush
from dingtalk.patience import impatient_transaction
from dingtalk.protocol.stream_frames import StreamFrame, read_frame
from dingtalk.tickets import store_tickets

logger = logging.getLogger(__name__)


def store_frame(
    document: Mapping[str, Any], *, suite_id: UUID, suite_key: str, received_at: datetime
) -> bool:
    """
    Store an event frame once, and make the ticket in it the current one; return whether it is new.

    Raises any django.db.Error when the database does not store it in time.
    """
    frame = read_frame(document)
    with impatient_transaction():
        is_new = not _count_repeat(frame, suite_id)
        if is_new:
            _insert(frame, suite_id, received_at)
        store_tickets(suite_id=suite_id, tickets=frame.tickets(), received_at=received_at)
    fields = {"suite_key": suite_key, "event_type": frame.event_type, "is_new": is_new}
    logger.info("stream_frame_received", extra=fields)
    return is_new


def _count_repeat(frame: StreamFrame, suite_id: UUID) -> bool:
    known = ReceivedPush.objects.filter(suite_id=suite_id, digest=frame.digest)
    return bool(known.update(repeats=F("repeats") + 1))


def _insert(frame: StreamFrame, suite_id: UUID, received_at: datetime) -> None:
    """Insert the push, unless another connection has just stored the same."""
    push = ReceivedPush(
        suite_id=suite_id,
        digest=frame.digest,
        source=PushSource.STREAM,
        received_at=received_at,
        body=frame.stored,
    )
    ReceivedPush.objects.bulk_create([push], ignore_conflicts=True)
