"""
URLs of the proxy, below /api/v1.

The path has been decoded once when it comes here, so that what is compared with the list is what is sent.
"""

from django.urls import path

from tenants.proxy.views import NewFamilyProxy, OldFamilyProxy

_PROXY = "tenants/<str:suite_key>/<str:corp_id>/proxy"

urlpatterns = [
    path(f"{_PROXY}/oapi/<path:path>", OldFamilyProxy.as_view(), name="proxy-oapi"),
    path(f"{_PROXY}/api/<path:path>", NewFamilyProxy.as_view(), name="proxy-api"),
]
