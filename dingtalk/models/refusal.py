"""The callbacks that were refused, counted."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedBinaryField
from dingtalk.foundation.ids import new_id
from dingtalk.models.suite import Suite


class CallbackRefusal(models.Model):
    """
    How often callbacks to one suite were refused for one reason on one day, and the last of them.

    `sample`: the last one kept, as JSON of `query` and `body`, for its diagnosis; an operator sees what was
    wrong, and the caller never does. Rows of callbacks to no suite have no sample.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    suite = models.ForeignKey(
        Suite, models.CASCADE, null=True, related_name="refusals", verbose_name=_("suite")
    )
    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=40)
    count = models.PositiveIntegerField(_("count"), default=0)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    last_source = models.GenericIPAddressField(_("last source"), null=True, blank=True)
    sample = EncryptedBinaryField(_("sample"), null=True)
    sampled_at = models.DateTimeField(_("sample of"), null=True, blank=True)

    class Meta:
        verbose_name = _("refused callback")
        verbose_name_plural = _("refused callbacks")
        ordering = ["-last_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["suite", "day", "reason"], name="refusal_once_a_day", condition=Q(suite__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["day", "reason"],
                name="refusal_of_no_suite_once_a_day",
                condition=Q(suite__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["-last_at", "-id"], name="refusal_newest")]

    def __str__(self) -> str:
        return f"{self.reason} {self.day}"
