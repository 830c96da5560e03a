"""The answers of notifications that say no."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import ErrorDetail

from tenants.api.errors import ANSWERS, Refusal, plainly
from tenants.errors import (
    ClosedReason,
    NotificationClosed,
    NotificationNotFound,
    SendConflict,
    SendConflictReason,
    WouldBeDropped,
)


class NoSuchNotification(Refusal):
    """404: the same for one that is not there, and for one of another app or company."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "notification_not_found"
    default_detail = _("No such notification.")


class DroppedBeforehand(Refusal):
    """422: carries `warnings`, and when it could be sent where that is soon."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "would_be_dropped"
    default_detail = _("DingTalk would accept this and then drop it. Nothing was sent.")


class IdempotencyConflict(Refusal):
    """409: carries the id of the notification that the key stands for."""

    status_code = status.HTTP_409_CONFLICT


class NotificationIsClosed(Refusal):
    """409: the code says why."""

    status_code = status.HTTP_409_CONFLICT


CONFLICTS: Mapping[SendConflictReason, Promise | str] = {
    SendConflictReason.OTHER_REQUEST: _("This idempotency key was used for another request."),
    SendConflictReason.IN_PROGRESS: _("The first request with this idempotency key is under way."),
    SendConflictReason.OUTCOME_UNKNOWN: _(
        "DingTalk's answer was lost: the notification may have been sent, so it is not sent again."
    ),
}
CLOSINGS: Mapping[ClosedReason, Promise | str] = {
    ClosedReason.NOT_SENT: _("This notification was not sent, or is recalled."),
    ClosedReason.TOO_OLD: _("It is too long ago that this notification was sent."),
    ClosedReason.TOO_MANY_RECEIVERS: _("DingTalk tells results of at most 100 receivers."),
    ClosedReason.NOT_FINISHED: _("Sending is not finished, or there are more than 100 receivers."),
    ClosedReason.NO_STATUS_BAR: _("Only OA messages to at most 5 people have a status bar."),
}


def _would_be_dropped(error: WouldBeDropped) -> Refusal:
    warnings = [{"code": str(code), "user_ids": list(user_ids)} for code, user_ids in error.warnings]
    return DroppedBeforehand(wait=error.retry_after_seconds, warnings=warnings)


def _conflict(error: SendConflict) -> Refusal:
    answer = IdempotencyConflict(wait=error.retry_after_seconds, notification_id=str(error.notification_id))
    return _saying(answer, CONFLICTS[error.reason], code=error.reason.value)


def _closed(error: NotificationClosed) -> Refusal:
    answer = NotificationIsClosed(wait=error.retry_after_seconds)
    return _saying(answer, CLOSINGS[error.reason], code=error.reason.value)


def _saying(answer: Refusal, detail: Promise | str, *, code: str) -> Refusal:
    answer.detail = ErrorDetail(str(detail), code=code)
    return answer


ANSWERS |= {
    NotificationNotFound: plainly(NoSuchNotification),
    WouldBeDropped: _would_be_dropped,
    SendConflict: _conflict,
    NotificationClosed: _closed,
}
