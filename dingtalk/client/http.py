"""
HTTP to DingTalk: answers bounded in size, and no exception that shows a URL.

Tokens and signatures travel in the query of old calls, and the exceptions of requests and urllib3 repeat
whole URLs. So no text and no chain of theirs leaves this module, only the name of their class.
"""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import requests
import urllib3
from urllib3.exceptions import ConnectTimeoutError

from dingtalk.client.call import Call, Family, Request
from dingtalk.client.connections import new_session
from dingtalk.protocol.errors import TransportError
from dingtalk.version import VERSION

MAX_ANSWER_BYTES = 1_048_576
_CHUNK_BYTES = 65_536
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"isv-portal/{VERSION}",
}
_TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105 - its name
# Those of requests are OSErrors; UnicodeError and others that a URL or header can cause are ValueErrors.
LIBRARY_ERRORS = (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException)


class AnswerTooLarge(OSError):
    """More came than any answer of DingTalk has."""


class OversizedAnswer(TransportError):
    """An answer came and was more than we read: asking again would bring the same."""


@dataclass(frozen=True)
class RawAnswer:
    """An answer that arrived whole; nothing in it has been looked at."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""


class Transport:
    """
    Sends requests and returns whole answers; safe for many threads.

    The connect timeout holds for each address and try, three tries at most. The read timeout holds for
    the whole answer, from the last byte sent to the last byte read: one that drips ends too.
    """

    def __init__(
        self,
        *,
        oapi_base_url: str,
        api_base_url: str,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
    ) -> None:
        self._base_urls = {Family.OLD: oapi_base_url.rstrip("/"), Family.NEW: api_base_url.rstrip("/")}
        self._timeouts = (connect_timeout_seconds, read_timeout_seconds)
        self._session = new_session()

    def exchange(self, request: Request) -> RawAnswer | TransportError:
        """Send a request once; the error is returned, so that no other one hangs on it as its context."""
        if request.call.repeatable:
            return self._exchange(self._session, request)
        # DingTalk may close an idle connection just as we use it, and a lost answer is a lost code.
        with new_session() as session:
            return self._exchange(session, request)

    def _exchange(self, session: requests.Session, request: Request) -> RawAnswer | TransportError:
        call = request.call
        try:
            with session.request(
                call.method,
                self._url(request),
                data=None if request.body is None else json.dumps(request.body).encode(),
                headers=_headers(request),
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read_bounded(response)
                return RawAnswer(response.status_code, body, response.headers.get("Retry-After", ""))
        except LIBRARY_ERRORS as error:
            return _transport_error(call, error)

    def _url(self, request: Request) -> str:
        path = {name: _segment(value) for name, value in request.path.items()}
        url = self._base_urls[request.call.family] + request.call.endpoint.format_map(path)
        # An empty safe set: a "+" or "/" of a signature that stays as it is makes it wrong (853004).
        query = urlencode(request.query, safe="", quote_via=quote)
        return f"{url}?{query}" if query else url


def _segment(value: str) -> str:
    """Encode what is one segment of a path. Dots alone would be a step up, however they are encoded."""
    if not value.strip("."):
        raise ValueError("not a segment of a path")
    return quote(value, safe="")


def _headers(request: Request) -> dict[str, str]:
    """Say what the body is only where there is one: jsapiTickets has none. Source: create-a-jsapi-ticket."""
    body = {} if request.body is None else {"Content-Type": "application/json"}
    token = {_TOKEN_HEADER: request.token} if request.token else {}
    return {**_HEADERS, **body, **token}


def _read_bounded(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLarge
    return bytes(body)


def _transport_error(call: Call, error: BaseException) -> TransportError:
    causes = list(_causes(error))
    never_sent = any(isinstance(each, requests.ConnectTimeout | ConnectTimeoutError) for each in causes)
    what = "not connected" if never_sent else "no usable answer"
    kind = OversizedAnswer if any(isinstance(each, AnswerTooLarge) for each in causes) else TransportError
    return kind(
        call.endpoint,
        retryable=never_sent or call.repeatable,
        reason=f"{what} ({type(causes[-1]).__name__})",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, innermost last: libraries keep it in a field, an argument or the chain."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inside = [getattr(current, "reason", None), *reversed(current.args)]
        wrapped = (each for each in inside if isinstance(each, BaseException))
        current = next(wrapped, None) or current.__cause__ or current.__context__
