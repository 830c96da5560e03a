"""Bodies of requests: one JSON object of a bounded size and depth, also when it comes in chunks."""

from typing import Any

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from dingtalk.protocol.errors import MalformedEnvelope, MalformedEvent
from dingtalk.protocol.json_guard import read_json_object
from dingtalk.request_body import read_body

MAX_BODY_BYTES = 262_144
MAX_DEPTH = 32
MEDIA_TYPE = "application/json"


def read_json_body(request: Request) -> dict[str, Any]:
    """
    Return the members of the body.

    Raises UnsupportedMediaType, and ParseError for anything but a JSON object; its text never quotes the
    body. DRF's own parsers take a body in chunks for an empty one, and a deep one to be a failure of ours.
    """
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise UnsupportedMediaType(media_type[:100])
    try:
        body = read_body(request._request.META, max_bytes=MAX_BODY_BYTES)
        return read_json_object(body, max_bytes=MAX_BODY_BYTES, max_depth=MAX_DEPTH)
    except (MalformedEnvelope, MalformedEvent) as error:
        raise ParseError(f"Not usable: {error}.") from error
