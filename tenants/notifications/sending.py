"""
Sending a notification once, however often an app asks for it.

The request is stored under its idempotency key before DingTalk is asked: of two at the same moment the
database lets one through. An answer that got lost may have sent, so it is never asked for again; what was
surely not sent may be.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.client.messages import SendTask
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.protocol.errors import ApiError, Transient, TransportError
from tenants.calling import call_as_tenant
from tenants.errors import SendConflict, SendConflictReason, TenantError
from tenants.models import ApiKey, Notification, NotificationState, NotifiedPerson, Tenant
from tenants.notifications.daily_limits import SendWarning, WarningCode, check_limits, count_people
from tenants.notifications.requests import SendRequest, choose_agent

# Longer than a token and a call can take: who is still sending then has ended without an answer.
LOST_AFTER = timedelta(minutes=2)
IN_PROGRESS_SECONDS = 2


@dataclass(frozen=True)
class Sent:
    """A notification that is with DingTalk; `is_replayed`: it was before."""

    notification: Notification
    is_replayed: bool


def send_notification(
    key: ApiKey,
    *,
    tenant: Tenant,
    request: SendRequest,
    idempotency_key: str,
    actor: Actor,
    now: datetime,
) -> Sent:
    """
    Send a notification, or return the one that this key of the app has sent.

    Raises SendConflict, AgentNotUsable, WouldBeDropped, and what the call raises: then nothing was sent. A
    lost answer is a SendConflict too.
    """
    claim = partial(
        _claim, key, tenant=tenant, request=request, idempotency_key=idempotency_key, actor=actor, now=now
    )
    try:
        claimed = claim()
    except IntegrityError:
        # Another company's request came first under the same key; now it is there to be seen.
        claimed = claim()
    return claimed if claimed.is_replayed else Sent(_deliver(claimed.notification, tenant, request), False)


def warnings_of(notification: Notification) -> list[SendWarning]:
    """Return what was said when it was sent; nothing once its idempotency key was forgotten."""
    stored = json.loads(notification.warnings or "[]")
    return [SendWarning(WarningCode(item["code"]), item["user_ids"]) for item in stored]


@transaction.atomic
def _claim(
    key: ApiKey,
    *,
    tenant: Tenant,
    request: SendRequest,
    idempotency_key: str,
    actor: Actor,
    now: datetime,
) -> Sent:
    """Find what this key stands for, or take it; one request of a tenant at a time, or counts go wrong."""
    Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenant.pk)
    earlier = Notification.objects.filter(client=key.client, idempotency_key=idempotency_key).first()
    if earlier is not None and not _may_be_sent_again(earlier, request.digest(tenant), now=now):
        return Sent(earlier, is_replayed=True)
    agent_id = choose_agent(tenant, request.agent_id)
    warnings = check_limits(tenant, request, agent_id=agent_id, now=now)
    notification = earlier or _new(key, tenant, request, idempotency_key=idempotency_key, now=now)
    _begin_attempt(notification, agent_id=agent_id, warnings=warnings, now=now)
    count_people(notification, request, warnings, now=now)
    audit.record(
        action="notification.send", actor=actor, target=notification, details=_details(notification), now=now
    )
    return Sent(notification, is_replayed=False)


def _begin_attempt(
    notification: Notification, *, agent_id: int, warnings: Sequence[SendWarning], now: datetime
) -> None:
    """Store that DingTalk is about to be asked; what an attempt before this one left is overwritten."""
    notification.agent_id = agent_id
    notification.state = NotificationState.SENDING
    notification.attempt_started_at = now
    notification.dingtalk_code = notification.dingtalk_request_id = ""
    notification.warnings = _stored(warnings)
    notification.save()


def _may_be_sent_again(earlier: Notification, digest: str, *, now: datetime) -> bool:
    """Whether nothing was sent under this key yet; False when it was. Raises SendConflict in between."""
    if earlier.request_digest != digest:
        raise SendConflict(SendConflictReason.OTHER_REQUEST, notification_id=earlier.pk)
    if earlier.state == NotificationState.UNKNOWN or is_lost(earlier, now=now):
        raise SendConflict(SendConflictReason.OUTCOME_UNKNOWN, notification_id=earlier.pk)
    if earlier.state == NotificationState.SENDING:
        raise SendConflict(
            SendConflictReason.IN_PROGRESS,
            notification_id=earlier.pk,
            retry_after_seconds=IN_PROGRESS_SECONDS,
        )
    return earlier.state == NotificationState.FAILED


def is_lost(notification: Notification, *, now: datetime) -> bool:
    """Tell whether whoever sent it must have ended before the answer."""
    return (
        notification.state == NotificationState.SENDING and notification.attempt_started_at < now - LOST_AFTER
    )


def _new(
    key: ApiKey, tenant: Tenant, request: SendRequest, *, idempotency_key: str, now: datetime
) -> Notification:
    return Notification(
        tenant=tenant,
        client=key.client,
        key_prefix=key.prefix,
        idempotency_key=idempotency_key,
        request_digest=request.digest(tenant),
        kind=request.kind,
        message_type=request.message_type,
        template_id=request.template_id,
        content_digest=request.content_digest(),
        user_count=len(request.receivers.user_ids),
        dept_count=len(request.receivers.dept_ids),
        to_all_users=request.receivers.to_all_users,
        created_at=now,
    )


def _deliver(notification: Notification, tenant: Tenant, request: SendRequest) -> Notification:
    """Ask DingTalk, and write down what came of it before anybody is told."""
    try:
        task = call_as_tenant(tenant, partial(_call, notification.agent_id, request))
    except (TransportError, Transient) as error:
        if isinstance(error, TransportError) and error.retryable:
            _settle_failed(notification, error)
            raise
        # Also "busy" is no promise that nothing was sent: DingTalk says it after 3 seconds of work.
        _settle(notification, NotificationState.UNKNOWN, **_refusal(error))
        raise SendConflict(SendConflictReason.OUTCOME_UNKNOWN, notification_id=notification.pk) from error
    except (ApiError, TenantError) as error:
        _settle_failed(notification, error)
        raise
    _settle(
        notification,
        NotificationState.SENT,
        task_id=task.task_id,
        dingtalk_request_id=task.request_id,
        sent_at=timezone.now(),
    )
    return notification


def _call(agent_id: int, request: SendRequest, token: str) -> SendTask:
    client = dingtalk_client()
    if request.message is None:
        return client.send_template_notification(
            corp_access_token=token,
            agent_id=agent_id,
            receivers=request.receivers,
            template_id=request.template_id,
            data=request.template_data,
        )
    return client.send_notification(
        corp_access_token=token,
        agent_id=agent_id,
        receivers=request.receivers,
        message=request.message,
        enable_id_trans=request.enable_id_trans,
    )


def _settle(notification: Notification, state: NotificationState, **columns: object) -> None:
    for name, value in {"state": state, **columns}.items():
        setattr(notification, name, value)
    notification.save(update_fields=["state", *columns])


@transaction.atomic
def _settle_failed(notification: Notification, error: Exception) -> None:
    """Nothing was sent, so nothing counts."""
    NotifiedPerson.objects.filter(notification=notification).delete()
    _settle(notification, NotificationState.FAILED, **_refusal(error))


def _refusal(error: Exception) -> dict[str, str]:
    """DingTalk's code and request id if it refused; its words may quote the message, so they are not kept."""
    if not isinstance(error, ApiError):
        return {}
    return {
        "dingtalk_code": (error.sub_code or error.code)[:100],
        "dingtalk_request_id": error.request_id[:100],
    }


def _stored(warnings: Sequence[SendWarning]) -> str:
    return json.dumps([{"code": warning.code, "user_ids": list(warning.user_ids)} for warning in warnings])


def _details(notification: Notification) -> dict[str, object]:
    return {
        "tenant": str(notification.tenant_id),
        "agent_id": notification.agent_id,
        "kind": notification.kind,
        "template_id": notification.template_id,
        "people": notification.user_count,
        "departments": notification.dept_count,
        "to_all_users": notification.to_all_users,
    }
