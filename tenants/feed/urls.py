"""URLs of the feed, below /api/v1."""

from django.urls import path

from tenants.feed.views import EventFeed

urlpatterns = [path("events", EventFeed.as_view(), name="events")]
