"""The callback endpoint: from HTTP to `callbacks.receive` and back."""

import logging
from collections import Counter
from threading import Lock
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from dingtalk import callbacks
from dingtalk.errors import CannotReceive
from dingtalk.protocol.envelope import Envelope
from dingtalk.protocol.errors import MalformedEnvelope, ProtocolError
from dingtalk.request_body import read_body

MAX_QUERY_LENGTH = 8_192

logger = logging.getLogger(__name__)

_refusals: Counter[str] = Counter()
_refusals_lock = Lock()


@csrf_exempt
@require_POST
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a push of DingTalk; 200 with the encrypted `success`, 400 for all that is not for us, or 503."""
    try:
        envelope = Envelope.parse(_read_query(request), read_body(request))
        reply = callbacks.receive(slug=slug, envelope=envelope, received_at=timezone.now())
    except ProtocolError as error:
        return _refused(error)
    except CannotReceive:
        logger.exception("callback_not_received")
        return HttpResponse(status=503, content_type="text/plain", headers={"Retry-After": "1"})
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


def _refused(error: ProtocolError) -> HttpResponse:
    """Log the reason and keep it to ourselves: a different answer would help to guess keys."""
    reason = type(error).__name__
    with _refusals_lock:
        _refusals[reason] += 1
        count = _refusals[reason]
    # `count`: of this reason, since this process started.
    logger.warning("callback_refused", extra={"reason": reason, "count": count})
    return refusal()


def refusal() -> HttpResponse:
    """Return the single answer to everything that is no callback for us; it says nothing about why."""
    return _with_length(HttpResponse(b"Bad request\n", status=400, content_type="text/plain"))
