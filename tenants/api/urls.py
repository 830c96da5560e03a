"""
URLs below /api/v1. None ends with a slash, and none is redirected.

Any text is taken for an id, so that what cannot be one gets the same answer as what is none.
"""

from django.urls import include, path

from tenants.api.renewal import TenantAccessTokenRenewal
from tenants.api.tenant_parts import TenantAgents, TenantAuthScope, TenantHistory
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
    path("tenants/<str:suite_key>/<str:corp_id>/agents", TenantAgents.as_view(), name="tenant-agents"),
    path(
        "tenants/<str:suite_key>/<str:corp_id>/auth-scope",
        TenantAuthScope.as_view(),
        name="tenant-auth-scope",
    ),
    path("tenants/<str:suite_key>/<str:corp_id>/history", TenantHistory.as_view(), name="tenant-history"),
    path("", include("tenants.contacts.urls")),
    path("", include("tenants.feed.urls")),
    path("", include("tenants.jsapi.urls")),
    path("", include("tenants.login.urls")),
    path("", include("tenants.notifications.urls")),
    path("", include("tenants.proxy.urls")),
]
