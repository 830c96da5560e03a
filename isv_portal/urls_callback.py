"""URLs of a process that serves DingTalk only (PORTAL_ROLE=callback): callbacks and health."""

from django.urls import include, path

from isv_portal import health

handler400 = "isv_portal.error_views.bad_request"
handler403 = "isv_portal.error_views.permission_denied"
handler404 = "isv_portal.error_views.not_found"
handler500 = "isv_portal.error_views.server_error"

health_urls = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
urlpatterns = [path("", include("dingtalk.urls")), *health_urls]
