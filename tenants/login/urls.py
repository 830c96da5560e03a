"""URLs of the login endpoints, below /api/v1."""

from django.urls import path

from tenants.login.views import InAppLogin, LoginExchange, LoginRefresh, LoginUrl, SsoLogin

urlpatterns = [
    path("tenants/<str:suite_key>/<str:corp_id>/login", InAppLogin.as_view(), name="login-in-app"),
    path("suites/<str:suite_key>/oauth/login-url", LoginUrl.as_view(), name="login-url"),
    path("suites/<str:suite_key>/oauth/exchange", LoginExchange.as_view(), name="login-exchange"),
    path("suites/<str:suite_key>/oauth/refresh", LoginRefresh.as_view(), name="login-refresh"),
    path("suites/<str:suite_key>/sso/login", SsoLogin.as_view(), name="login-sso"),
]
