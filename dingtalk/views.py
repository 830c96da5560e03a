"""The callback endpoint: from HTTP to `callbacks.receive` and back."""

import logging
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import parse_qsl
from uuid import UUID

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from dingtalk import callbacks
from dingtalk.credentials import callback_credentials
from dingtalk.errors import CannotReceive
from dingtalk.outages import refused_pushes
from dingtalk.protocol.envelope import Envelope
from dingtalk.protocol.errors import MalformedEnvelope, ProtocolError
from dingtalk.refusal_log import RefusedRequest, refusal_log
from dingtalk.request_body import read_body

MAX_QUERY_LENGTH = 8_192

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a push of DingTalk; 200 with the encrypted `success`, 400 for all that is not for us, or 503."""
    now = timezone.now()
    body = b""
    try:
        body = read_body(request)
        reply = callbacks.receive(
            slug=slug, envelope=Envelope.parse(_read_query(request), body), received_at=now
        )
    except ProtocolError as error:
        _note_refusal(error, slug=slug, request=request, body=body, now=now)
        return refusal()
    except CannotReceive:
        logger.exception("callback_not_received")
        refused_pushes.add(now=now)
        return HttpResponse(status=503, content_type="text/plain", headers={"Retry-After": "1"})
    refused_pushes.report(now=now)
    return _with_length(JsonResponse(reply))


def _with_length(response: HttpResponse) -> HttpResponse:
    """Say how long the answer is, or the server sends it in chunks, which not every client reads."""
    response.headers["Content-Length"] = str(len(response.content))
    return response


def _read_query(request: HttpRequest) -> list[tuple[str, str]]:
    """Not request.GET: that raises errors of other kinds for odd or long queries."""
    query = str(request.META.get("QUERY_STRING", ""))
    if len(query) > MAX_QUERY_LENGTH:
        raise MalformedEnvelope("the query is too long")
    return parse_qsl(query, keep_blank_values=True)


def _note_refusal(
    error: ProtocolError, *, slug: str, request: HttpRequest, body: bytes, now: datetime
) -> None:
    """Keep the reason for the operator: a different answer would help to guess keys."""
    reason = type(error).__name__
    logger.warning("callback_refused", extra={"reason": reason})
    refused = RefusedRequest(
        reason=reason,
        at=now,
        source=_source_of(request),
        query=str(request.META.get("QUERY_STRING", ""))[:MAX_QUERY_LENGTH],
        body=body,
    )
    refusal_log.add(_suite_of(slug), refused)


def _suite_of(slug: str) -> UUID | None:
    try:
        return callback_credentials.get(slug).suite_id
    except (ProtocolError, CannotReceive, DatabaseError):
        return None


def _source_of(request: HttpRequest) -> str | None:
    try:
        return str(ip_address(str(request.META.get("REMOTE_ADDR", "")).partition("%")[0]))
    except ValueError:
        return None


def refusal() -> HttpResponse:
    """Return the single answer to everything that is no callback for us; it says nothing about why."""
    return _with_length(HttpResponse(b"Bad request\n", status=400, content_type="text/plain"))
