"""URLs of signing, below /api/v1."""

from django.urls import path

from tenants.jsapi.views import SignedConfig

urlpatterns = [
    path(
        "tenants/<str:suite_key>/<str:corp_id>/jsapi-config",
        SignedConfig.as_view(),
        name="tenant-jsapi-config",
    ),
]
