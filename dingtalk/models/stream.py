"""How a suite's Stream connection is doing, and which process holds it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.leases import Leased


class ConnectionState(models.TextChoices):
    """What the process that holds a connection said of it last."""

    STOPPED = "stopped", _("not running")
    CONNECTING = "connecting", _("connecting")
    CONNECTED = "connected", _("connected")


class StreamConnection(Leased):
    """
    The connection of one suite; the process that holds its lease keeps it open and writes the row.

    When the lease has run out, `state` is what a process said that is gone.
    """

    suite = models.OneToOneField(
        "dingtalk.Suite",
        models.CASCADE,
        primary_key=True,
        related_name="stream_connection",
        verbose_name=_("suite"),
    )
    state = models.CharField(
        _("state"), max_length=16, choices=ConnectionState, default=ConnectionState.STOPPED, editable=False
    )
    holder = models.CharField(_("holder"), max_length=100, blank=True, editable=False)
    connected_since = models.DateTimeField(_("connected since"), null=True, editable=False)
    last_frame_at = models.DateTimeField(_("last frame"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, editable=False)
    last_error_at = models.DateTimeField(_("time of the last error"), null=True, editable=False)

    class Meta:
        verbose_name = _("Stream connection")
        verbose_name_plural = _("Stream connections")
        ordering = ["suite__name", "suite_id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in ConnectionState]),
                name="stream_connection_state_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.suite)
