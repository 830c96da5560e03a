"""Work notifications that tenant apps have sent, and who has been sent how much today."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id
from tenants.models.api_client import ApiClient
from tenants.models.tenant import Tenant


class NotificationKind(models.TextChoices):
    """How a notification is made."""

    MESSAGE = "message", _("message")
    TEMPLATE = "template", _("by template")


class NotificationState(models.TextChoices):
    """What is known of a notification. Only one that failed may be sent again: nothing of it was sent."""

    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("not sent")
    UNKNOWN = "unknown", _("answer lost")
    RECALLED = "recalled", _("recalled")


class Notification(models.Model):
    """
    One request to send: the log entry, and what makes a repeat of the request harmless.

    It is stored before DingTalk is asked and settled after it. The content is in no column, only its keyed
    digest. `idempotency_key` and `warnings` are what a repeat is answered with, and go after two days;
    `warnings` name people, so they are encrypted.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, models.PROTECT, related_name="notifications", verbose_name=_("tenant"), db_index=False
    )
    client = models.ForeignKey(
        ApiClient, models.PROTECT, related_name="notifications", verbose_name=_("API client"), db_index=False
    )
    key_prefix = models.CharField(_("key prefix"), max_length=16)
    idempotency_key = models.CharField(_("idempotency key"), max_length=128, blank=True)
    request_digest = models.CharField(_("digest of the request"), max_length=64, editable=False)

    kind = models.CharField(_("kind"), max_length=16, choices=NotificationKind)
    agent_id = models.BigIntegerField(_("agent id"))
    message_type = models.CharField(_("message type"), max_length=16, blank=True)
    template_id = models.CharField(_("template id"), max_length=128, blank=True)
    content_digest = models.CharField(_("digest of the content"), max_length=64, editable=False)
    user_count = models.PositiveIntegerField(_("people"), default=0)
    dept_count = models.PositiveIntegerField(_("departments"), default=0)
    to_all_users = models.BooleanField(_("to everybody"), default=False)
    warnings = EncryptedTextField(_("warnings"), null=True)

    state = models.CharField(
        _("state"), max_length=16, choices=NotificationState, default=NotificationState.SENDING
    )
    attempt_started_at = models.DateTimeField(_("last attempt"))
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    recalled_at = models.DateTimeField(_("recalled"), null=True, blank=True)
    task_id = models.BigIntegerField(_("DingTalk's task id"), null=True, blank=True)
    dingtalk_code = models.CharField(_("DingTalk's code"), max_length=100, blank=True)
    dingtalk_request_id = models.CharField(_("DingTalk's request id"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("work notification")
        verbose_name_plural = _("work notifications")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "idempotency_key"],
                name="notification_once_per_key",
                condition=~Q(idempotency_key=""),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in NotificationState]),
                name="notification_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "recalled"])
                | Q(task_id__isnull=False, sent_at__isnull=False),
                name="sent_notification_has_task",
            ),
        ]
        indexes = [
            models.Index(fields=["client", "tenant", "-id"], name="notification_of_client"),
            models.Index(fields=["tenant", "agent_id", "attempt_started_at"], name="notification_recent"),
            models.Index(fields=["client", "-id"], name="notification_newest"),
            models.Index(fields=["state", "-id"], name="notification_not_sent", condition=~Q(state="sent")),
            models.Index(
                fields=["kind", "-id"], name="notification_by_template", condition=Q(kind="template")
            ),
            models.Index(fields=["task_id"], name="notification_task", condition=Q(task_id__isnull=False)),
            models.Index(
                fields=["dingtalk_request_id"],
                name="notification_request",
                condition=~Q(dingtalk_request_id=""),
            ),
            models.Index(fields=["created_at"], name="notification_age"),
            models.Index(
                fields=["attempt_started_at"], name="notification_with_key", condition=~Q(idempotency_key="")
            ),
            models.Index(
                fields=["attempt_started_at"], name="notification_under_way", condition=Q(state="sending")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_sent(self) -> bool:
        """Whether DingTalk has a task of it that can be asked about."""
        return self.state == NotificationState.SENT


class NotifiedPerson(models.Model):
    """
    That one person was sent one content by one agent on one day: what DingTalk's limits per person count.

    Person and content are keyed digests. A day is one of China.
    """

    tenant = models.ForeignKey(
        Tenant, models.PROTECT, related_name="+", verbose_name=_("tenant"), db_index=False
    )
    notification = models.ForeignKey(
        Notification, models.CASCADE, related_name="counted", verbose_name=_("work notification")
    )
    day = models.DateField(_("day"))
    person = models.CharField(_("digest of the person"), max_length=64)
    content = models.CharField(_("digest of the content"), max_length=64)

    class Meta:
        verbose_name = _("notified person")
        verbose_name_plural = _("notified people")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "person", "content"], name="content_once_per_person_and_day"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="notified_person_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.person[:8]}…"
