"""Endpoints of notifications: send, look at the log, follow, take back."""

import re
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import queries
from tenants.api.base import ApiView, WritingApiView
from tenants.api.pagination import NewestFirst
from tenants.calling import find_active_tenant
from tenants.models import Notification, Scope, Tenant
from tenants.notifications import (
    answers,  # noqa: F401 — importing the answers registers them
    documentation,
    following,
)
from tenants.notifications.sending import send_notification
from tenants.notifications.serializers import (
    NotificationSerializer,
    ProgressSerializer,
    ResultSerializer,
    SendSerializer,
    SentSerializer,
    StatusBarSerializer,
    send_request,
)

IDEMPOTENCY_KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[!-~]{1,128}", re.ASCII)


class NotificationView(ApiView):
    """What the endpoints of one notification share."""

    required_scope = Scope.MESSAGES_SEND

    def active(self, notification_id: str, **tenant: str) -> tuple[Tenant, Notification]:
        """Return the tenant, which is active, and the caller's notification in it."""
        found = find_active_tenant(self.client, **tenant)
        return found, following.get_notification(self.client, found, notification_id)


class Notifications(ApiView, ListAPIView[Notification]):
    """The send log of the caller in one company, and sending."""

    required_scope = Scope.MESSAGES_SEND
    http_method_names = ["get", "head", "post", "options"]
    parameters = frozenset({"limit", "cursor"})
    serializer_class = NotificationSerializer
    pagination_class = NewestFirst
    filter_backends = ()
    # Only tells the schema which model this is about.
    queryset = following.no_notifications()

    def get_queryset(self) -> QuerySet[Notification]:
        tenant = queries.get_visible_tenant(self.client, **self.kwargs)
        return following.notifications_of(self.client, tenant)

    @documentation.LIST
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Needs `messages:send`. Only what this app has sent; kept for 90 days."""
        return super().get(request, *args, **kwargs)

    @documentation.SEND
    def post(self, request: Request, suite_key: str, corp_id: str) -> Response:
        """
        Needs `messages:send`. Sends once, however often it is asked with the same `Idempotency-Key`.

        What DingTalk would drop in silence is refused, or reported in `warnings`.
        """
        key = read_idempotency_key(request)
        wanted = send_request(self.read_body(SendSerializer))
        sent = send_notification(
            self.key,
            tenant=find_active_tenant(self.client, suite_key=suite_key, corp_id=corp_id),
            request=wanted,
            idempotency_key=key,
            actor=self.actor(),
            now=timezone.now(),
        )
        headers = {REPLAYED: "true"} if sent.is_replayed else {}
        shown = SentSerializer(sent.notification).data
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)


class NotificationDetail(ApiView):
    """One entry of the send log."""

    required_scope = Scope.MESSAGES_SEND
    serializer_class = NotificationSerializer

    @documentation.DETAIL
    def get(self, _request: Request, suite_key: str, corp_id: str, notification_id: str) -> Response:
        """Needs `messages:send`."""
        tenant = queries.get_visible_tenant(self.client, suite_key=suite_key, corp_id=corp_id)
        found = following.get_notification(self.client, tenant, notification_id)
        return Response(NotificationSerializer(found).data)


class NotificationProgress(NotificationView):
    """How far sending is."""

    serializer_class = ProgressSerializer

    @documentation.PROGRESS
    def get(self, _request: Request, notification_id: str, **tenant: str) -> Response:
        """Needs `messages:send`. For 7 days after sending."""
        found = self.active(notification_id, **tenant)
        return Response(ProgressSerializer(following.get_progress(*found, now=timezone.now())).data)


class NotificationResult(NotificationView):
    """What became of it person by person."""

    serializer_class = ResultSerializer

    @documentation.RESULT
    def get(self, _request: Request, notification_id: str, **tenant: str) -> Response:
        """Needs `messages:send`. For 24 hours after sending, and for at most 100 receivers."""
        found = self.active(notification_id, **tenant)
        return Response(ResultSerializer(following.get_result(*found, now=timezone.now())).data)


class NotificationRecall(NotificationView, WritingApiView):
    """Taking it back."""

    serializer_class = NotificationSerializer

    @documentation.RECALL
    def post(self, _request: Request, notification_id: str, **tenant: str) -> Response:
        """Needs `messages:send`. For 24 hours after sending; a second time changes nothing. No body."""
        found = self.active(notification_id, **tenant)
        recalled = following.recall(*found, actor=self.actor(), now=timezone.now())
        return Response(NotificationSerializer(recalled).data)


class NotificationStatusBar(NotificationView, WritingApiView):
    """The status bar of an OA message."""

    serializer_class = NotificationSerializer

    @documentation.STATUS_BAR
    def post(self, _request: Request, notification_id: str, **tenant: str) -> Response:
        """Needs `messages:send`. For 7 days after sending, for OA messages to at most 5 people."""
        values = self.read_body(StatusBarSerializer)
        found = self.active(notification_id, **tenant)
        following.update_status_bar(*found, **values, actor=self.actor(), now=timezone.now())
        return Response(NotificationSerializer(found[1]).data)


def read_idempotency_key(request: Request) -> str:
    """Return the key of the request's header; raises ValidationError without one of 1 to 128 characters."""
    text = request.headers.get(IDEMPOTENCY_KEY, "")
    if _KEY.fullmatch(text):
        return text
    code = "invalid" if text else "required"
    detail = _("1 to 128 visible ASCII characters are expected, new for each notification.")
    raise ValidationError({IDEMPOTENCY_KEY: ErrorDetail(detail, code=code)})
