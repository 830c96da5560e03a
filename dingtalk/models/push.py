"""What was received, as it came."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedBinaryField
from dingtalk.foundation.ids import new_id
from dingtalk.models.suite import Suite


class PushSource(models.TextChoices):
    """The way by which a push came to us."""

    HTTP = "http", _("callback")
    STREAM = "stream", _("Stream")
    RDS = "rds", _("push database")
    FAILED_LIST = "failed_list", _("fetched back")


class ReceivedPush(models.Model):
    """
    One verified envelope, Stream frame, database row or fetched entry as it came.

    The request thread stores nothing else. `repeats`: how often the same thing came again.

    The body is the decrypted message, encrypted with our own key. `split_at` is set when the
    dispatcher has made events of it; the body is dropped some days later, the digest some weeks later.

    Each index is paid for by the insert before the acknowledgement: ids grow with time, so lists go by
    them, and retention finds what has no body any more by an index that a new push is not in.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The insert finds the suite itself. A constraint would have PostgreSQL look for it once more and lock its
    # row for each push, which costs a quarter of the rate; and no suite that ever received is deleted.
    suite = models.ForeignKey(
        Suite,
        models.CASCADE,
        related_name="pushes",
        verbose_name=_("suite"),
        db_index=False,
        db_constraint=False,
    )
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    received_at = models.DateTimeField(_("received"))
    source = models.CharField(_("source"), max_length=16, choices=PushSource, default=PushSource.HTTP)
    repeats = models.PositiveIntegerField(_("repeats"), default=0)
    body = EncryptedBinaryField(_("body"), null=True)
    split_at = models.DateTimeField(_("split"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("received push")
        verbose_name_plural = _("received pushes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["suite", "digest"], name="push_stored_once"),
        ]
        indexes = [
            models.Index(fields=["id"], name="push_waiting", condition=Q(split_at=None)),
            models.Index(fields=["received_at"], name="push_with_body", condition=Q(body__isnull=False)),
            models.Index(fields=["received_at"], name="push_without_body", condition=Q(body__isnull=True)),
            models.Index(fields=["source", "-id"], name="push_by_other_way", condition=~Q(source="http")),
        ]

    def __str__(self) -> str:
        return str(self.id)
