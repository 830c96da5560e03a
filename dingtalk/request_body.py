"""Reading a request's body with a bound, off the server's own stream, also when it comes in chunks."""

from collections.abc import Mapping
from typing import Any

from dingtalk.protocol.envelope import MAX_BODY_BYTES
from dingtalk.protocol.errors import MalformedEnvelope


def read_body(environ: Mapping[str, Any], *, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """
    Return the body of a WSGI request that nobody has read yet.

    Raises MalformedEnvelope when it is longer than `max_bytes`, encoded, or cut off. A compressed body is
    refused: what it grows to cannot be told before. A chunked body has no length: Django takes it for
    empty, while the server's stream has it, and ends where the body ends if the server says so
    (`wsgi.input_terminated`).
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise MalformedEnvelope("the body is encoded")
    declared = environ.get("CONTENT_LENGTH")
    if declared:
        length = _declared_length(str(declared))
        if length > max_bytes:
            raise MalformedEnvelope("the body is too long")
        return _read_up_to(length, environ["wsgi.input"])
    if not environ.get("wsgi.input_terminated"):
        return b""
    body = _read_up_to(max_bytes + 1, environ["wsgi.input"])
    if len(body) > max_bytes:
        raise MalformedEnvelope("the body is too long")
    return body


def _declared_length(declared: str) -> int:
    if not (declared.isascii() and declared.isdigit()) or len(declared) > len(str(10**18)):
        raise MalformedEnvelope("the length of the body is not a number")
    return int(declared)


def _read_up_to(count: int, stream: Any) -> bytes:
    """Read so many bytes, or what there is; a read may give less than it was asked for."""
    parts: list[bytes] = []
    left = count
    try:
        while left > 0 and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
    except OSError as error:
        raise MalformedEnvelope("the body was cut off") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)
