"""Root URLs of the portal: what a callback process serves, and all that people and tenant apps use."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from isv_portal import urls_callback

handler400 = urls_callback.handler400
handler403 = urls_callback.handler403
handler404 = urls_callback.handler404
handler500 = urls_callback.handler500

urlpatterns = [
    # A callback that a proxy sends here is taken too: better late than lost.
    *urls_callback.urlpatterns,
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
