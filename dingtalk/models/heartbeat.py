"""Processes that do the work in the background, and when each was last seen to do some."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.ids import new_id


class ProcessKind(models.TextChoices):
    """What a process does."""

    WORKER = "worker", _("worker")
    DISPATCHER = "dispatcher", _("dispatcher")
    BEAT = "beat", _("beat")
    STREAM = "stream", _("stream")
    RDS = "rds", _("RDS reader")


class ProcessHeartbeat(models.Model):
    """
    One process from its start to its end.

    `last_progress_at`: by the database's clock, when it last did what it is for. `ended_at`: set when it was
    told to end; one that was killed has none.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=ProcessKind)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    version = models.CharField(_("version"), max_length=32)
    started_at = models.DateTimeField(_("started"))
    last_progress_at = models.DateTimeField(_("last progress"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        ordering = ["-last_progress_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"
