"""Reading a request's body with a bound, also when it comes in chunks."""

from typing import Protocol

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, UnreadablePostError

from dingtalk.protocol.envelope import MAX_BODY_BYTES
from dingtalk.protocol.errors import MalformedEnvelope


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_body(request: HttpRequest, *, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """
    Return the body; raises MalformedEnvelope when it is longer than `max_bytes`, encoded, or cut off.

    A compressed body is refused: what it grows to cannot be told before. A chunked body has no length:
    Django takes it for empty, while the server's own stream has it, and ends where the body ends
    if the server says so (`wsgi.input_terminated`).
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MalformedEnvelope("the body is encoded")
    if _declared_length(request) > max_bytes:
        raise MalformedEnvelope("the body is too long")
    return _read_bounded(_stream_of(request), max_bytes)


def _declared_length(request: HttpRequest) -> int:
    declared = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (declared.isascii() and declared.isdigit()) or len(declared) > len(str(10**18)):
        raise MalformedEnvelope("the length of the body is not a number")
    return int(declared)


def _stream_of(request: HttpRequest) -> _Readable:
    is_chunked = not request.META.get("CONTENT_LENGTH")
    if is_chunked and isinstance(request, WSGIRequest) and request.environ.get("wsgi.input_terminated"):
        stream: _Readable = request.environ["wsgi.input"]
        return stream
    return request


def _read_bounded(stream: _Readable, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    left = max_bytes + 1
    try:
        # A read may give less than it was asked for.
        while left > 0 and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
    except (UnreadablePostError, OSError) as error:
        raise MalformedEnvelope("the body was cut off") from error
    if left <= 0:
        raise MalformedEnvelope("the body is too long")
    return b"".join(parts)
