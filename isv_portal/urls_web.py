"""URLs of a process that serves people and tenant apps only (PORTAL_ROLE=web)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from isv_portal import urls_callback

handler400 = urls_callback.handler400
handler403 = urls_callback.handler403
handler404 = urls_callback.handler404
handler500 = urls_callback.handler500

urlpatterns = [
    *urls_callback.urlpatterns,
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("tenants.api.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
]
