"""
URLs of a process that serves DingTalk only (PORTAL_ROLE=callback): health.

Callbacks do not come this way: `isv_portal.wsgi` gives them to `dingtalk.callback_endpoint`.
"""

from django.urls import path

from isv_portal import health

handler400 = "isv_portal.error_views.bad_request"
handler403 = "isv_portal.error_views.permission_denied"
handler404 = "isv_portal.error_views.not_found"
handler500 = "isv_portal.error_views.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
