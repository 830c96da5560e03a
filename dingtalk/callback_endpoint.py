"""
The callback endpoint: from a WSGI request to `callbacks.receive` and back.

Not a view of Django: its request, signals and middleware cost more than verifying, decrypting and storing
together, and a callback needs none of them. `isv_portal.wsgi` hands over every request below /callback/.
"""

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
import structlog
from django.db import Error as DatabaseError

from dingtalk import callbacks, punctuality
from dingtalk.credentials import callback_credentials
from dingtalk.errors import CannotReceive
from dingtalk.foundation import arrivals
from dingtalk.foundation.client_address import client_address
from dingtalk.foundation.plain_records import log_plainly
from dingtalk.foundation.redaction import redact_text
from dingtalk.foundation.request_ids import REQUEST_ID_HEADER, request_id_of
from dingtalk.foundation.seldom import Seldom
from dingtalk.foundation.wsgi_answers import Answer, let_go_of_connection
from dingtalk.outages import refused_pushes
from dingtalk.protocol.envelope import Envelope
from dingtalk.protocol.errors import MalformedEnvelope, ProtocolError
from dingtalk.protocol.event_catalogue import find_event
from dingtalk.protocol.glance import CHANNELS
from dingtalk.refusal_log import RefusedRequest, refusal_log
from dingtalk.request_body import read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH_PREFIX = "/callback/"
MAX_QUERY_LENGTH = 8_192
# The single answer to everything that is no callback for us; it says nothing about why.
REFUSAL = b"Bad request\n"

# A slash is easily lost when a URL is copied, and DingTalk follows no redirect.
_PATH = re.compile(rf"{PATH_PREFIX}([^/]+)/?")
_PLAIN, _JSON = ("Content-Type", "text/plain"), ("Content-Type", "application/json")

# While the database is away every push is refused for the same reason. A traceback for each would take longer
# than the refusal, and who waits for a thread meanwhile is answered too late.
_tracebacks = Seldom(seconds=1.0)

logger = logging.getLogger(__name__)


_REFUSED = Answer(HTTPStatus.BAD_REQUEST, REFUSAL, [_PLAIN])
_WRONG_METHOD = Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", [_PLAIN, ("Allow", "POST")])
# Not stored, so not acknowledged: DingTalk sends it again.
_NOT_STORED = Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"", [_PLAIN, ("Retry-After", "1")])


class _Request(NamedTuple):
    """A request below /callback/, with what each log line about it has."""

    environ: "WSGIEnvironment"
    id: str
    source: str

    @property
    def query(self) -> str:
        return str(self.environ.get("QUERY_STRING", ""))

    @property
    def log_fields(self) -> dict[str, str]:
        return {"request_id": self.id, "ip": self.source}


def is_callback(environ: "WSGIEnvironment") -> bool:
    """Whether this endpoint answers the request."""
    return str(environ.get("PATH_INFO", "")).startswith(PATH_PREFIX)


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Take a push of DingTalk; 200 with the encrypted `success`, 400 for all that is not for us, or 503."""
    request = _Request(environ, id=request_id_of(environ), source=client_address(environ))
    try:
        answer = _answer(request)
    finally:
        let_go_of_connection()
    return answer._replace(headers=[*answer.headers, (REQUEST_ID_HEADER, request.id)]).send(start_response)


def _answer(request: _Request) -> Answer:
    path = _PATH.fullmatch(request.environ["PATH_INFO"])
    if path is None:
        logger.warning("callback_refused", extra={"reason": "UnknownPath", **request.log_fields})
        return _REFUSED
    if request.environ["REQUEST_METHOD"] != "POST":
        logger.warning("callback_refused", extra={"reason": "WrongMethod", **request.log_fields})
        return _WRONG_METHOD
    now = datetime.now(UTC)
    try:
        return _receive(request, path[1], now=now)
    except CannotReceive:
        logger.exception("callback_not_received", exc_info=_tracebacks.is_due(), extra=request.log_fields)
    except Exception:
        # A failure of ours must not look like a refusal.
        logger.exception("callback_failed", extra=request.log_fields)
    refused_pushes.add(now=now)
    return _NOT_STORED


def _receive(request: _Request, slug: str, *, now: datetime) -> Answer:
    port, peer = int(request.environ["SERVER_PORT"]), str(request.environ.get("REMOTE_ADDR", ""))
    seconds_left = punctuality.ANSWER_SECONDS - arrivals.waited_seconds(port, peer)
    if seconds_left <= 0:
        raise CannotReceive("it waited too long for a thread")
    body = b""
    try:
        body = read_body(request.environ)
        envelope = Envelope.parse(_read_query(request.query), body)
        with punctuality.Deadline(seconds=seconds_left) as deadline:
            received = callbacks.receive(slug=slug, envelope=envelope, received_at=now, deadline=deadline)
    except ProtocolError as error:
        with structlog.contextvars.bound_contextvars(**request.log_fields):
            _note_refusal(error, slug=slug, request=request, body=body, now=now)
        return _REFUSED
    _log_received(received, request, now=now)
    refused_pushes.report(now=now)
    if received.is_new is not None and deadline.is_over():
        # It is stored, and comes again as a copy: DingTalk would not hear an acknowledgement now.
        return _NOT_STORED
    return Answer(HTTPStatus.OK, orjson.dumps(received.reply), [_JSON])


def _log_received(received: callbacks.Received, request: _Request, *, now: datetime) -> None:
    log_plainly(
        logger,
        "callback_received",
        at=now,
        request_id=request.id,
        ip=request.source,
        suite_key=received.suite_key,
        event_type=_plain_name(received.event_type),
        is_new=received.is_new,
        credential=received.credential_name,
    )


def _plain_name(event_type: str) -> str:
    """Return the event type as it may be logged: a name that nobody knows is masked like a text."""
    is_known = event_type in CHANNELS or find_event(event_type) is not None
    return event_type if is_known else redact_text(event_type)


def _read_query(query: str) -> list[tuple[str, str]]:
    if len(query) > MAX_QUERY_LENGTH:
        raise MalformedEnvelope("the query is too long")
    if "%" in query or "+" in query:
        return parse_qsl(query, keep_blank_values=True)
    # The usual query has nothing that is quoted, and then there is little to parse.
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in pairs]


def _note_refusal(error: ProtocolError, *, slug: str, request: _Request, body: bytes, now: datetime) -> None:
    """Keep the reason for the operator: a different answer would help to guess keys."""
    reason = type(error).__name__
    logger.warning("callback_refused", extra={"reason": reason})
    refused = RefusedRequest(
        reason=reason,
        at=now,
        source=request.source or None,
        query=request.query[:MAX_QUERY_LENGTH],
        body=body,
    )
    refusal_log.add(_suite_of(slug), refused)


def _suite_of(slug: str) -> UUID | None:
    try:
        return callback_credentials.get(slug).suite_id
    except (ProtocolError, CannotReceive, DatabaseError):
        return None
