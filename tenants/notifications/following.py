"""
What became of a notification, and changing it after it was sent.

DingTalk answers for a while only, and differently to what is too old; so what cannot be asked any more is
said here, with the reason.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from dingtalk.client import dingtalk_client
from dingtalk.client.messages import SendProgress, SendResult
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.protocol.errors import ApiError
from dingtalk.protocol.messages import MAX_STATUS_BAR_RECEIVERS
from tenants.calling import call_as_tenant
from tenants.errors import ClosedReason, NotificationClosed, NotificationNotFound
from tenants.models import ApiClient, Notification, NotificationState, Tenant

PROGRESS_WINDOW = STATUS_BAR_WINDOW = timedelta(days=7)
RESULT_WINDOW = RECALL_WINDOW = timedelta(hours=24)
MAX_RESULT_RECEIVERS = 100
_NOT_FINISHED_SECONDS = 2
_NOT_FINISHED_CODE = "41052"


def notifications_of(client: ApiClient, tenant: Tenant) -> QuerySet[Notification]:
    """Return what one app has sent in one company; an app sees nothing of the others'."""
    return Notification.objects.filter(client=client, tenant=tenant)


def no_notifications() -> QuerySet[Notification]:
    """Return a query that finds nothing, for what only wants to know the model."""
    return Notification.objects.none()


def get_notification(client: ApiClient, tenant: Tenant, notification_id: str) -> Notification:
    """Return one of them; raises NotificationNotFound, also for a text that is no id."""
    try:
        number = UUID(notification_id)
    except ValueError:
        raise NotificationNotFound from None
    found = notifications_of(client, tenant).filter(pk=number).first()
    if found is None or str(number) != notification_id:
        raise NotificationNotFound
    return found


def get_progress(tenant: Tenant, notification: Notification, *, now: datetime) -> SendProgress:
    """Return how far sending is; for 7 days. Raises NotificationClosed and what the call raises."""
    task_id = _open_task(notification, window=PROGRESS_WINDOW, now=now, may_be_recalled=True)
    return call_as_tenant(
        tenant,
        lambda token: dingtalk_client().get_send_progress(
            corp_access_token=token, agent_id=notification.agent_id, task_id=task_id
        ),
    )


def get_result(tenant: Tenant, notification: Notification, *, now: datetime) -> SendResult:
    """
    Return what became of it person by person; for 24 hours, and for at most 100 receivers.

    Raises NotificationClosed and what the call raises.
    """
    task_id = _open_task(notification, window=RESULT_WINDOW, now=now, may_be_recalled=True)
    if notification.user_count > MAX_RESULT_RECEIVERS:
        raise NotificationClosed(ClosedReason.TOO_MANY_RECEIVERS)
    try:
        return call_as_tenant(
            tenant,
            lambda token: dingtalk_client().get_send_result(
                corp_access_token=token, agent_id=notification.agent_id, task_id=task_id
            ),
        )
    except ApiError as error:
        if error.code != _NOT_FINISHED_CODE:
            raise
        # The same code says that departments had too many people.
        raise NotificationClosed(
            ClosedReason.NOT_FINISHED, retry_after_seconds=_NOT_FINISHED_SECONDS
        ) from error


def recall(tenant: Tenant, notification: Notification, *, actor: Actor, now: datetime) -> Notification:
    """
    Take a notification back; within 24 hours. One that was taken back already stays so.

    It is in the audit trail before DingTalk is asked. Raises NotificationClosed and what the call raises.
    """
    if notification.state == NotificationState.RECALLED:
        return notification
    task_id = _open_task(notification, window=RECALL_WINDOW, now=now)
    audit.record(action="notification.recall", actor=actor, target=notification, now=now)
    call_as_tenant(
        tenant,
        lambda token: dingtalk_client().recall_notification(
            corp_access_token=token, agent_id=notification.agent_id, task_id=task_id
        ),
    )
    notification.state, notification.recalled_at = NotificationState.RECALLED, now
    notification.save(update_fields=["state", "recalled_at"])
    return notification


def update_status_bar(
    tenant: Tenant,
    notification: Notification,
    *,
    status_value: str,
    status_bg: str,
    actor: Actor,
    now: datetime,
) -> None:
    """
    Change the status bar of an OA message to at most 5 people; within 7 days.

    Raises NotificationClosed and what the call raises.
    """
    task_id = _open_task(notification, window=STATUS_BAR_WINDOW, now=now)
    is_to_few = not (notification.dept_count or notification.to_all_users)
    if notification.message_type != "oa" or not (
        is_to_few and notification.user_count <= MAX_STATUS_BAR_RECEIVERS
    ):
        raise NotificationClosed(ClosedReason.NO_STATUS_BAR)
    audit.record(action="notification.update_status_bar", actor=actor, target=notification, now=now)
    call_as_tenant(
        tenant,
        lambda token: dingtalk_client().update_status_bar(
            corp_access_token=token,
            agent_id=notification.agent_id,
            task_id=task_id,
            status_value=status_value,
            status_bg=status_bg,
        ),
    )


def _open_task(
    notification: Notification, *, window: timedelta, now: datetime, may_be_recalled: bool = False
) -> int:
    """The task of a notification that can still be asked about; raises NotificationClosed."""
    was_sent = notification.is_sent or (may_be_recalled and notification.state == NotificationState.RECALLED)
    if not was_sent or notification.task_id is None or notification.sent_at is None:
        raise NotificationClosed(ClosedReason.NOT_SENT)
    if notification.sent_at < now - window:
        raise NotificationClosed(ClosedReason.TOO_OLD)
    return notification.task_id
