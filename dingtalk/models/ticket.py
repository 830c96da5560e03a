"""The suite tickets that DingTalk pushes."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id
from dingtalk.models.suite import Suite


class SuiteTicket(models.Model):
    """
    One pushed suite ticket. The newest by DingTalk's own time is the current one, however late it came.

    Tickets never expire on our side. Source: push-suite-ticket-events.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    suite = models.ForeignKey(Suite, models.CASCADE, related_name="tickets", verbose_name=_("suite"))
    ticket = EncryptedTextField(_("ticket"))
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    platform_time = models.DateTimeField(_("platform time"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("suite ticket")
        verbose_name_plural = _("suite tickets")
        ordering = ["-platform_time", "-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["suite", "digest"], name="suite_ticket_stored_once"),
        ]
        indexes = [
            models.Index(fields=["suite", "-platform_time", "-received_at"], name="suite_ticket_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.suite_id} {self.platform_time:%Y-%m-%d %H:%M:%S}"
