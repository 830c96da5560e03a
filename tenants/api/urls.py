"""
URLs below /api/v1. None ends with a slash, and none is redirected.

Any text is taken for an id, so that what cannot be one gets the same answer as what is none.
"""

from django.urls import include, path

from tenants.api.renewal import TenantAccessTokenRenewal
from tenants.api.views import TenantAccessToken, TenantDetail, TenantList

app_name = "api"

urlpatterns = [
    path("tenants", TenantList.as_view(), name="tenants"),
    path("tenants/<str:suite_key>/<str:corp_id>", TenantDetail.as_view(), name="tenant"),
    path(
        "tenants/<str:suite_key>/<str:corp_id>/access-token",
        TenantAccessToken.as_view(),
        name="tenant-access-token",
    ),
    path(
        "tenants/<str:suite_key>/<str:corp_id>/access-token/renew",
        TenantAccessTokenRenewal.as_view(),
        name="tenant-access-token-renew",
    ),
    path("", include("tenants.contacts.urls")),
    path("", include("tenants.feed.urls")),
    path("", include("tenants.jsapi.urls")),
    path("", include("tenants.login.urls")),
    path("", include("tenants.notifications.urls")),
]
