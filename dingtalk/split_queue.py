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

# In one transaction: a SyncHTTP push may hold a hundred events.
TOGETHER = 20
# A turn of the dispatcher ends in time for whatever else is due.
SECONDS_PER_TURN = 0.2
# A push that cannot be split (its key is missing) must not keep the others waiting.
AGAIN_AFTER_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Splitter:
    """Splits what waits; one for each dispatcher. Remembers what could not be split."""

    def __init__(self) -> None:
        self._unsplittable: dict[UUID, float] = {}

    def split_some(self) -> Progress:
        """Split waiting pushes until there are none, or the turn is over; return what came of it."""
        started = now = monotonic()
        self._unsplittable = {push: until for push, until in self._unsplittable.items() if until > now}
        progress = Progress.NONE
        while monotonic() - started < SECONDS_PER_TURN:
            push_ids = self._next_ones()
            if push_ids:
                self._split(push_ids)
            latest = progress_of(len(push_ids), TOGETHER)
            if latest is not Progress.MORE:
                return max(progress, latest)
            progress = latest
        return progress

    def _next_ones(self) -> list[UUID]:
        """Return half of them from the oldest, half from the newest: all if they are few."""
        waiting = ReceivedPush.objects.filter(split_at=None).exclude(pk__in=self._unsplittable)
        oldest = list(waiting.order_by("id").values_list("pk", flat=True)[:TOGETHER])
        if len(oldest) < TOGETHER:
            return oldest
        newest = list(waiting.order_by("-id").values_list("pk", flat=True)[: TOGETHER // 2])
        return [*dict.fromkeys([*oldest[: TOGETHER // 2], *newest, *oldest])][:TOGETHER]

    def _split(self, push_ids: list[UUID]) -> None:
        try:
            split_pushes(push_ids, now=timezone.now())
        except DatabaseError:
            raise
        except Exception:
            if len(push_ids) > 1:  # one of them keeps the others from being split with it
                for push_id in push_ids:
                    self._split([push_id])
                return
            logger.exception("push_not_split", extra={"push_id": str(push_ids[0])})
            self._unsplittable[push_ids[0]] = monotonic() + AGAIN_AFTER_SECONDS
