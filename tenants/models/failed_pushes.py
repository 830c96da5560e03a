"""Which companies' failed pushes are to be fetched, and what the last time brought."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased
from tenants.models.tenant import Tenant


class FailedPushFetch(Leased):
    """
    One tenant whose list of failed pushes has been asked for, or will be at `wanted_at`.

    `rounds_left`: how often more, that time included. One process at a time asks: each call drops what the
    one before it returned.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.OneToOneField(
        Tenant, models.CASCADE, related_name="failed_push_fetch", verbose_name=_("tenant")
    )
    wanted_at = models.DateTimeField(_("to be fetched"), null=True, blank=True)
    rounds_left = models.PositiveSmallIntegerField(_("rounds left"), default=0)
    tried_at = models.DateTimeField(_("last fetched"), null=True, blank=True)
    found = models.PositiveIntegerField(_("found in all"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("fetching of failed pushes")
        verbose_name_plural = _("fetching of failed pushes")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["wanted_at"], name="failed_pushes_due", condition=models.Q(wanted_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return str(self.tenant)
