"""What is stored of the conversation with DingTalk: suites, tickets, received pushes and events."""

import secrets
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedBinaryField, EncryptedTextField
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased
from dingtalk.outages import Outage as Outage
from dingtalk.outages import SignOfLife as SignOfLife
from dingtalk.protocol.events import read_stored_data
from dingtalk.rds.position import RdsPosition as RdsPosition
from dingtalk.stream.state import ConnectionState as ConnectionState
from dingtalk.stream.state import StreamConnection as StreamConnection


def new_path_slug() -> str:
    """Return the random part of a suite's callback URL: 160 bits that nobody can guess."""
    return secrets.token_hex(20)


class PushMode(models.TextChoices):
    """How DingTalk delivers a suite's events. Source: configure-synchttp-push, http-callback-overview."""

    SYNC_HTTP = "sync_http", _("SyncHTTP")
    HTTP = "http", _("HTTP (legacy)")
    STREAM = "stream", _("Stream")
    RDS = "rds", _("RDS (cloud push)")


class SuiteKind(models.TextChoices):
    """A third-party app of the market, or one customised for a company (定制应用), which needs no ticket."""

    SUITE = "suite", _("third-party app (suite)")
    CUSTOM_APP = "custom_app", _("customised app")


class Activation(models.TextChoices):
    """Whether we activate the suite for a newly authorised company. Source: activate-suite."""

    AUTO = "auto", _("automatic: required under legacy HTTP, attempted otherwise")
    ALWAYS = "always", _("always required")
    NEVER = "never", _("never")


class CorpTokenMethod(models.TextChoices):
    """The call that is tried first for a corp access token; the others are the fallback."""

    V1 = "v1", _("v1.0 corpAccessToken")
    SIGNED = "signed", _("signed service/get_corp_token")
    UNIFIED = "unified", _("v1.0 {corpId}/token")


class Generation(models.TextChoices):
    """Which of the two generations of a call is tried first; the other one is the fallback."""

    V1 = "v1", _("v1.0 call")
    OLD = "old", _("old call")


class Suite(models.Model):
    """
    One app that the ISV publishes at DingTalk.

    Each secret has a previous value that still works until its end time, for rotation. `version` grows
    with every change, so that a process that keeps the secrets decrypted notices that its copy is old.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    suite_id = models.CharField(_("suite id"), max_length=64, blank=True)
    suite_key = models.CharField(_("suite key"), max_length=128, unique=True)
    push_mode = models.CharField(_("push mode"), max_length=16, choices=PushMode, default=PushMode.SYNC_HTTP)
    activation = models.CharField(_("activation"), max_length=16, choices=Activation, default=Activation.AUTO)
    corp_token_method = models.CharField(
        _("corp token call"), max_length=16, choices=CorpTokenMethod, default=CorpTokenMethod.V1
    )
    kind = models.CharField(_("kind"), max_length=16, choices=SuiteKind, default=SuiteKind.SUITE)
    suite_token_method = models.CharField(
        _("suite token call"), max_length=16, choices=Generation, default=Generation.OLD
    )
    jsapi_ticket_method = models.CharField(
        _("JSAPI ticket call"), max_length=16, choices=Generation, default=Generation.V1
    )
    js_domains = models.TextField(
        _("domains of its pages"),
        blank=True,
        help_text=_("One a line. JSAPI configurations are signed for pages on these domains only."),
    )
    freshness_window_seconds = models.PositiveIntegerField(
        _("freshness window"),
        null=True,
        blank=True,
        help_text=_("Seconds. Callbacks with an older or later timestamp are refused. Empty: none is."),
    )
    isv_corp_id = models.CharField(
        _("our own corp id"), max_length=64, blank=True, help_text=_("For sign-in from the admin console.")
    )
    path_slug = models.CharField(
        _("path slug"), max_length=64, unique=True, default=new_path_slug, editable=False
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    suite_secret = EncryptedTextField(_("suite secret"))
    suite_secret_previous = EncryptedTextField(_("previous suite secret"), null=True, blank=True)
    suite_secret_previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    suite_secret_previous_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    callback_token = EncryptedTextField(_("callback token"))
    callback_token_previous = EncryptedTextField(_("previous callback token"), null=True, blank=True)
    callback_token_previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    callback_token_previous_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    encoding_aes_key = EncryptedTextField(_("EncodingAESKey"))
    encoding_aes_key_previous = EncryptedTextField(_("previous EncodingAESKey"), null=True, blank=True)
    encoding_aes_key_previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    encoding_aes_key_previous_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    sso_secret = EncryptedTextField(_("SSO secret"), null=True, blank=True)

    callback_verified_at = models.DateTimeField(
        _("callback URL verified"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("suite")
        verbose_name_plural = _("suites")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name or self.suite_key

    @property
    def callback_path(self) -> str:
        """The path of the callback URL below PUBLIC_BASE_URL."""
        return f"/callback/{self.path_slug}/"


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
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    suite = models.ForeignKey(Suite, models.CASCADE, related_name="pushes", verbose_name=_("suite"))
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    received_at = models.DateTimeField(_("received"))
    source = models.CharField(_("source"), max_length=16, choices=PushSource, default=PushSource.HTTP)
    repeats = models.PositiveIntegerField(_("repeats"), default=0)
    body = EncryptedBinaryField(_("body"), null=True)
    split_at = models.DateTimeField(_("split"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("received push")
        verbose_name_plural = _("received pushes")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["suite", "digest"], name="push_stored_once"),
        ]
        indexes = [
            models.Index(fields=["id"], name="push_waiting", condition=Q(split_at=None)),
            models.Index(fields=["received_at"], name="push_age"),
        ]

    def __str__(self) -> str:
        return str(self.id)


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
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    suite = models.ForeignKey(Suite, models.CASCADE, related_name="events", verbose_name=_("suite"))
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
        ordering = ["-received_at", "-id"]
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
                fields=["next_attempt_at"], name="event_due", condition=Q(state__in=["pending", "failed"])
            ),
            models.Index(
                fields=["suite", "corp_id", "biz_type", "biz_id", "platform_time"],
                name="event_of_object",
                condition=Q(biz_type__isnull=False),
            ),
            models.Index(fields=["corp_id", "-received_at"], name="event_of_corp"),
            models.Index(fields=["state", "-received_at"], name="event_by_state"),
            models.Index(fields=["-received_at", "-id"], name="event_newest"),
            models.Index(fields=["id"], name="event_not_in_feed", condition=Q(feed_position=None)),
            models.Index(fields=["-received_at"], name="event_unknown", condition=Q(is_known=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event_type or '?'} {self.corp_id}".strip()

    @property
    def is_waiting(self) -> bool:
        """Whether the event still has to be handled."""
        return self.state in WAITING_STATES

    def data(self) -> dict[str, Any]:
        """Return the event's decrypted content; empty when it was pruned."""
        return read_stored_data(self.payload) if self.payload else {}


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
