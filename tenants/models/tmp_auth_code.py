"""Temporary authorisation codes of the legacy HTTP push, each of which works once."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id
from tenants.models.tenant import Tenant


class CodeState(models.TextChoices):
    """What became of a temporary code."""

    PENDING = "pending", _("to be exchanged")
    EXCHANGING = "exchanging", _("being exchanged")
    EXCHANGED = "exchanged", _("exchanged")
    SPENT = "spent", _("refused as spent")
    LOST = "lost", _("exchange begun, answer lost")
    DISCARDED = "discarded", _("discarded")


class TmpAuthCode(models.Model):
    """
    One temporary code of one tenant.

    The exchange is recorded before the call and after it: a code that is still `exchanging` when
    nobody exchanges it any more has lost its answer, and is never tried again.
    Source: obtain-a-permanent-authorization-code.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, related_name="tmp_auth_codes", verbose_name=_("tenant"), db_index=False
    )
    code = EncryptedTextField(_("code"), null=True)
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    generation = models.PositiveIntegerField(_("generation"))
    platform_time = models.DateTimeField(_("platform time"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))
    state = models.CharField(_("state"), max_length=16, choices=CodeState, default=CodeState.PENDING)
    exchange_started_at = models.DateTimeField(_("exchange begun"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("temporary code")
        verbose_name_plural = _("temporary codes")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="tmp_auth_code_stored_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.received_at:%Y-%m-%d %H:%M:%S}"
