"""One URL, whose view does nothing: what Django itself costs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def empty(_request: HttpRequest) -> HttpResponse:
    """Answer an empty JSON object."""
    return JsonResponse({})


urlpatterns = [path("empty", empty), path("healthz", empty)]
