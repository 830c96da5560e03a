"""URLs of a process that serves everything (PORTAL_ROLE=all, the default)."""

from django.urls import include, path

from isv_portal import urls_web

handler400 = urls_web.handler400
handler403 = urls_web.handler403
handler404 = urls_web.handler404
handler500 = urls_web.handler500

urlpatterns = [path("", include("dingtalk.urls")), *urls_web.urlpatterns]
