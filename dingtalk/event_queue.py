"""What the dispatcher has to have done here: events that wait to be handled."""

from uuid import UUID

from dingtalk import inbox, tasks
from dingtalk.lanes import first_due_events
from dingtalk.work import DueRow, WorkQueue, claim_due_rows, register


def register_queues() -> None:
    """Tell the dispatcher what there is to do."""
    register(WorkQueue(name="events", claim_due=_claim_due, run=inbox.handle_lane, publish=_publish))


def _claim_due(limit: int) -> list[DueRow]:
    return claim_due_rows(first_due_events().order_by("id"), limit=limit)


def _publish(event_id: UUID) -> None:
    tasks.handle_event_lane.apply_async((str(event_id),), retry=False)
