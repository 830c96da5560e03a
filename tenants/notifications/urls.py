"""URLs of notifications, below /api/v1."""

from django.urls import path

from tenants.notifications import views

_ALL = "tenants/<str:suite_key>/<str:corp_id>/notifications"
_ONE = f"{_ALL}/<str:notification_id>"

urlpatterns = [
    path(_ALL, views.Notifications.as_view(), name="notifications"),
    path(_ONE, views.NotificationDetail.as_view(), name="notification"),
    path(f"{_ONE}/progress", views.NotificationProgress.as_view(), name="notification-progress"),
    path(f"{_ONE}/result", views.NotificationResult.as_view(), name="notification-result"),
    path(f"{_ONE}/recall", views.NotificationRecall.as_view(), name="notification-recall"),
    path(f"{_ONE}/status-bar", views.NotificationStatusBar.as_view(), name="notification-status-bar"),
]
