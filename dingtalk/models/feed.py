"""How far the events feed goes."""

from django.db import models
from django.db.models import Q


class FeedHead(models.Model):
    """
    The last position of the events feed: one row, whose lock lets one process at a time give positions.

    A number of its own, not the largest one in use: a position is never given twice, also when the last
    events are deleted.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    position = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="feed_has_one_head")]

    def __str__(self) -> str:
        return str(self.position)
