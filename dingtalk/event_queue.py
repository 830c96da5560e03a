"""
What the dispatcher has to have done here: events that wait to be handled.

Suites take turns, and within a suite its lanes: a company with ten thousand waiting events is one lane, and
a suite with ten thousand lanes gets no more places in the queue of tasks than it can use.
"""

from uuid import UUID

from dingtalk import inbox, tasks
from dingtalk.lanes import first_due_events, suites_with_waiting_events, walk_lanes
from dingtalk.models import WAITING_STATES, ReceivedEvent
from dingtalk.work import (
    HANDED_OUT_PER_SUITE,
    DueRow,
    WorkQueue,
    can_be_claimed,
    claim_due_rows,
    handed_out_by_suite,
    register,
)

# Of those that come next, many may be at work already.
LANES_LOOKED_AT = 200


def register_queues() -> None:
    """Tell the dispatcher what there is to do."""
    turns = TurnsOfLanes()
    register(WorkQueue(name="events", claim_due=turns.claim_due, run=inbox.handle_lane, publish=_publish))


class TurnsOfLanes:
    """Claims due events, and remembers whose turn it is."""

    def __init__(self) -> None:
        self._last_suite: UUID | None = None
        self._last_lanes: dict[UUID, str] = {}

    def claim_due(self, limit: int) -> list[DueRow]:
        """Claim up to `limit` events, each the first of its lane, from as many suites as there are."""
        suites = self._in_turn(suites_with_waiting_events())
        if not suites:
            return []
        handed_out = handed_out_by_suite(ReceivedEvent.objects.filter(state__in=WAITING_STATES))
        claimed: list[DueRow] = []
        for number, suite_id in enumerate(suites):
            share = -(-(limit - len(claimed)) // (len(suites) - number))
            room = HANDED_OUT_PER_SUITE - handed_out.get(suite_id, 0)
            if room > 0 and share > 0:
                claimed += self._claim_of(suite_id, min(share, room))
                self._last_suite = suite_id
        return claimed

    def _in_turn(self, suites: list[UUID]) -> list[UUID]:
        """Begin behind the suite that had the last turn, and forget those that have nothing waiting."""
        self._last_lanes = {suite: self._last_lanes[suite] for suite in suites if suite in self._last_lanes}
        behind = [suite for suite in suites if self._last_suite is not None and suite > self._last_suite]
        return behind + [suite for suite in suites if suite not in behind]

    def _claim_of(self, suite_id: UUID, wanted: int) -> list[DueRow]:
        lanes = self._next_lanes(suite_id)
        if not lanes:
            return []
        due = set(can_be_claimed(first_due_events().filter(pk__in=lanes)).values_list("pk", flat=True))
        chosen = [event_id for event_id in lanes if event_id in due][:wanted]
        # Those behind the last one that is chosen come first the next time.
        self._last_lanes[suite_id] = lanes[chosen[-1]] if len(chosen) == wanted else [*lanes.values()][-1]
        return claim_due_rows(first_due_events().filter(pk__in=chosen), limit=wanted) if chosen else []

    def _next_lanes(self, suite_id: UUID) -> dict[UUID, str]:
        """Return the first event of each of the next lanes with the lane's company, once around at most."""
        last = self._last_lanes.get(suite_id)
        lanes = walk_lanes(suite_id, after=last, limit=LANES_LOOKED_AT)
        if last is not None and len(lanes) < LANES_LOOKED_AT:
            lanes |= walk_lanes(suite_id, after=None, limit=LANES_LOOKED_AT - len(lanes))
        return lanes


def _publish(event_id: UUID) -> None:
    tasks.handle_event_lane.apply_async((str(event_id),), retry=False)
