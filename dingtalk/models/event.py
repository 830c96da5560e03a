"""The events that were received, and where each of them stands."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedBinaryField
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased
from dingtalk.models.push import ReceivedPush
from dingtalk.models.suite import Suite
from dingtalk.protocol.events import read_stored_data


class EventState(models.TextChoices):
    """Where a received event stands."""

    PENDING = "pending", _("pending")
    HANDLED = "handled", _("handled")
    IGNORED = "ignored", _("ignored")
    SUPERSEDED = "superseded", _("superseded")
    FAILED = "failed", _("failed, will be tried again")
    DEAD = "dead", _("dead letter")


WAITING_STATES = (EventState.PENDING, EventState.FAILED)


class ReceivedEvent(Leased):
    """
    One event, however it came: by which push, how often and in which envelope does not matter.

    Events of one lane, that is one (suite, corp), are handled in order of platform time. `is_known`: whether
    DingTalk documents its type. `feed_position`: given by `dingtalk.feed`, NULL until then.

    Ids grow with time, so lists are ordered by them and need no index of their own. What most rows end in
    ("handled", "ignored") is in no index of states: such a row leaves all of them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    suite = models.ForeignKey(
        Suite, models.CASCADE, related_name="events", verbose_name=_("suite"), db_index=False
    )
    push = models.ForeignKey(
        ReceivedPush, models.SET_NULL, null=True, related_name="events", verbose_name=_("push")
    )
    identity = models.CharField(_("identity"), max_length=64, editable=False)
    event_type = models.CharField(_("event type"), max_length=100)
    corp_id = models.CharField(_("corp id"), max_length=64, blank=True)
    biz_type = models.IntegerField(_("biz type"), null=True, blank=True)
    biz_id = models.CharField(_("biz id"), max_length=128, blank=True)
    platform_time = models.DateTimeField(_("platform time"))
    received_at = models.DateTimeField(_("received"))
    payload = EncryptedBinaryField(_("payload"), null=True)
    is_known = models.BooleanField(_("known type"), default=True)
    feed_position = models.BigIntegerField(_("position in the feed"), null=True, blank=True, editable=False)

    state = models.CharField(_("state"), max_length=16, choices=EventState, default=EventState.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    code_version = models.CharField(_("code version"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("received event")
        verbose_name_plural = _("received events")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["suite", "identity"], name="event_stored_once"),
            models.UniqueConstraint(
                fields=["feed_position"],
                name="event_in_feed_once",
                condition=Q(feed_position__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in EventState]), name="event_state_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["suite", "corp_id", "platform_time", "id"],
                name="event_lane_waiting",
                condition=Q(state__in=["pending", "failed"]),
            ),
            models.Index(
                fields=["suite", "corp_id"],
                name="event_lane_held",
                condition=Q(state__in=["pending", "failed"], lease_until__isnull=False),
            ),
            models.Index(
                fields=["suite", "dispatched_at"],
                name="event_dispatched",
                condition=Q(state__in=["pending", "failed"], dispatched_at__isnull=False),
            ),
            models.Index(
                fields=["next_attempt_at"], name="event_due", condition=Q(state__in=["pending", "failed"])
            ),
            models.Index(
                fields=["suite", "corp_id", "biz_type", "biz_id", "platform_time"],
                name="event_of_object",
                condition=Q(biz_type__isnull=False),
            ),
            models.Index(fields=["suite", "-id"], name="event_of_suite"),
            models.Index(fields=["corp_id", "-id"], name="event_of_corp"),
            models.Index(
                fields=["state", "-id"],
                name="event_by_rare_state",
                condition=Q(state__in=["pending", "superseded", "failed", "dead"]),
            ),
            models.Index(
                fields=["handled_at"],
                name="event_with_payload",
                condition=Q(payload__isnull=False, state__in=["handled", "ignored", "superseded"]),
            ),
            models.Index(fields=["id"], name="event_not_in_feed", condition=Q(feed_position=None)),
            models.Index(fields=["-id"], name="event_of_unknown_type", condition=Q(is_known=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event_type or '?'} {self.corp_id}".strip()

    def data(self) -> dict[str, Any]:
        """Return the event's decrypted content; empty when it was pruned."""
        return read_stored_data(self.payload) if self.payload else {}
