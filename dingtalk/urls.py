"""URLs that DingTalk calls."""

from django.urls import path

from dingtalk.views import callback

urlpatterns = [
    path("callback/<str:slug>/", callback, name="callback"),
    # A slash is easily lost when a URL is copied, and DingTalk follows no redirect.
    path("callback/<str:slug>", callback),
]
