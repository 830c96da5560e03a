"""What operators have done with received events, with an entry in the audit trail."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from dingtalk import inbox
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.models import ReceivedEvent


@transaction.atomic
def handle_events_again(event_ids: Sequence[UUID], *, actor: Actor, now: datetime) -> int:
    """Put events back to be handled once more; return how many could be (see `inbox.handle_again`)."""
    put_back = inbox.handle_again(event_ids)
    if put_back:
        only_one = ReceivedEvent.objects.filter(pk__in=event_ids).first() if len(event_ids) == 1 else None
        details = {"event_ids": [str(event_id) for event_id in event_ids], "put_back": put_back}
        audit.record(action="event.handle_again", actor=actor, target=only_one, details=details, now=now)
    return put_back
