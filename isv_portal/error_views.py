"""
What is answered when no view does: JSON below /api, else a plain page.

Django calls these by keyword: the parameter must be named `exception`, or every 404 becomes a 500.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults

API_PREFIX = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django itself refuses: a bad host, too many fields."""
    detail = _("The request is malformed.")
    return _for_machines(request, HTTPStatus.BAD_REQUEST, "bad_request", detail) or defaults.bad_request(
        request, exception
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that is not allowed."""
    detail = _("You are not allowed to do this.")
    return _for_machines(
        request, HTTPStatus.FORBIDDEN, "permission_denied", detail
    ) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for what is not there."""
    detail = _("Not found.")
    return _for_machines(request, HTTPStatus.NOT_FOUND, "not_found", detail) or defaults.page_not_found(
        request, exception
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that failed by our fault; nothing of the failure is shown."""
    detail = _("Something went wrong on our side.")
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _for_machines(request, status, "error", detail) or defaults.server_error(request)


def _for_machines(request: HttpRequest, status: HTTPStatus, code: str, detail: str) -> HttpResponse | None:
    if request.path.startswith(API_PREFIX):
        kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "client_error"
        errors = [{"code": code, "detail": detail, "attr": None}]
        return JsonResponse(
            {"type": kind, "errors": errors}, status=status, json_dumps_params={"ensure_ascii": False}
        )
    return None
