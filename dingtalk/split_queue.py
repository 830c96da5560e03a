"""
Which of the received pushes are split next.

Whose a push is can only be told by opening it. So that ten thousand pushes of one company do not stand before
another's, some are taken from either end: who comes behind them is among the newest. The order does not
matter to what becomes of the events: their lanes go by DingTalk's time.
"""

import logging
from time import monotonic
from uuid import UUID

from django.db import Error as DatabaseError
from django.utils import timezone

from dingtalk.models import ReceivedPush
from dingtalk.splitting import split_pushes
from dingtalk.work import Progress, progress_of

# In one transaction, if they hold few events.
TOGETHER = 20
# A turn of the dispatcher ends in time for whatever else is due.
SECONDS_PER_TURN = 0.1
# A push that cannot be split (its key is missing) must not keep the others waiting.
AGAIN_AFTER_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Splitter:
    """Splits what waits; one for each dispatcher. Remembers what could not be split."""

    def __init__(self) -> None:
        self._unsplittable: dict[UUID, float] = {}
        self._newest_first = True

    def split_some(self) -> Progress:
        """Split waiting pushes until there are none, or the turn is over; return what came of it."""
        started = now = monotonic()
        self._unsplittable = {push: until for push, until in self._unsplittable.items() if until > now}
        progress = Progress.NONE
        while monotonic() - started < SECONDS_PER_TURN:
            push_ids = self._next_ones()
            number = self._split(push_ids) if push_ids else 0
            if not number or number == len(push_ids) < TOGETHER:
                return max(progress, progress_of(number, TOGETHER))
            progress = Progress.MORE
        return progress

    def _next_ones(self) -> list[UUID]:
        """
        Return pushes in turn from the oldest and from the newest.

        Begins with the oldest one time and with the newest the next: there may be room for no more than one.
        """
        waiting = ReceivedPush.objects.filter(split_at=None).exclude(pk__in=self._unsplittable)
        ids = waiting.values_list("pk", flat=True)
        oldest = list(ids.order_by("id")[:TOGETHER])
        newest = list(ids.order_by("-id")[:TOGETHER]) if len(oldest) == TOGETHER else oldest[::-1]
        self._newest_first = not self._newest_first
        ends = (newest, oldest) if self._newest_first else (oldest, newest)
        in_turn = [push_id for pair in zip(*ends, strict=True) for push_id in pair]
        return [*dict.fromkeys(in_turn)][:TOGETHER]

    def _split(self, push_ids: list[UUID]) -> int:
        """Split some of them, return how many; one that cannot be split is left alone for a while."""
        try:
            return split_pushes(push_ids, now=timezone.now())
        except DatabaseError:
            raise
        except Exception:
            if len(push_ids) > 1:  # one of them keeps the others from being split with it
                return sum(self._split([push_id]) for push_id in push_ids)
            logger.exception("push_not_split", extra={"push_id": str(push_ids[0])})
            self._unsplittable[push_ids[0]] = monotonic() + AGAIN_AFTER_SECONDS
            return 0
