"""Signs of life, and the times without one: when pushes may have been lost."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.ids import new_id


class SignOfLife(models.Model):
    """When the dispatchers were last seen at work: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_sign_of_life")]

    def __str__(self) -> str:
        return self.seen_at.isoformat()


class OutageKind(models.TextChoices):
    """How an outage was noticed."""

    SILENCE = "silence", _("the portal was not at work")
    REFUSED = "refused", _("pushes were answered with 503")


class Outage(models.Model):
    """A time in which pushes may have been lost. `followed_up_at`: when failed pushes were asked for."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=OutageKind)
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"))
    followed_up_at = models.DateTimeField(_("followed up"), null=True, blank=True)

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["-ended_at", "-id"]
        indexes = [
            models.Index(
                fields=["id"], name="outage_waiting", condition=models.Q(followed_up_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.began_at:%Y-%m-%d %H:%M:%S}"
