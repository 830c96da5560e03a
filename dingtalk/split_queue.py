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
from django.db.models.functions import Coalesce, Length
from django.utils import timezone

from dingtalk.models import ReceivedPush
from dingtalk.splitting import split_pushes
from dingtalk.work import Progress, progress_of

# In one transaction: a SyncHTTP push may hold a hundred events.
TOGETHER = 20
# Of stored bodies, unless a single one is more: what is behind them waits for the transaction.
BYTES_TOGETHER = 8_192
# A turn of the dispatcher ends in time for whatever else is due.
SECONDS_PER_TURN = 0.2
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
            waiting = self._waiting()
            push_ids = _first_of_size(waiting)
            if push_ids:
                self._split(push_ids)
            if len(push_ids) == len(waiting) < TOGETHER:
                return max(progress, progress_of(len(push_ids), TOGETHER))
            progress = Progress.MORE
        return progress

    def _waiting(self) -> list[tuple[UUID, int]]:
        """
        Return pushes with the bytes of their bodies, in turn from the oldest and from the newest.

        Begins with the oldest one time and with the newest the next: there may be room for no more than one.
        """
        pushes = ReceivedPush.objects.filter(split_at=None).exclude(pk__in=self._unsplittable)
        sized = pushes.values_list("pk", Coalesce(Length("body"), 0))
        oldest = list(sized.order_by("id")[:TOGETHER])
        newest = list(sized.order_by("-id")[:TOGETHER]) if len(oldest) == TOGETHER else oldest[::-1]
        self._newest_first = not self._newest_first
        ends = (newest, oldest) if self._newest_first else (oldest, newest)
        in_turn = [push for pair in zip(*ends, strict=True) for push in pair]
        return [*dict.fromkeys(in_turn)][:TOGETHER]

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


def _first_of_size(sized: list[tuple[UUID, int]]) -> list[UUID]:
    """Return the first pushes as long as they are small together, but at least one."""
    chosen: list[UUID] = []
    left = BYTES_TOGETHER
    for push_id, size in sized:
        left -= size
        if chosen and left < 0:
            break
        chosen.append(push_id)
    return chosen
