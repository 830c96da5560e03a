"""What each request passes first: whose address it has, and one log line about it."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

from dingtalk.foundation.client_address import client_address as address_of
from dingtalk.foundation.request_ids import REQUEST_ID_HEADER

# The server takes paths of 64 KiB, and anyone can have each of them logged.
LONGEST_LOGGED_PATH = 200


def client_address(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Make REMOTE_ADDR the client's address, also when a proxy of ours stands in front."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.META["REMOTE_ADDR"] = address_of(request.META)
        return get_response(request)

    return middleware


class RequestLog(RequestMiddleware):
    """
    Binds a request id to all log lines of a request, writes one line at its end, and names it in the answer.

    Only method and path are logged: a query may hold secrets.
    """

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Describe the request without its query, and without the rest of a long path."""
        return f"{request.method} {request.path[:LONGEST_LOGGED_PATH]}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Bind the address that `client_address` found."""
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR", ""))

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Log the end of the request; its id goes into a header, to be quoted when asking for help."""
        response[REQUEST_ID_HEADER] = structlog.contextvars.get_contextvars().get("request_id", "")
        super().handle_response(request, response)
