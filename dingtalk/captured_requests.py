"""
Captured callbacks: a request as a proxy, a log or a developer kept it, read from a file.

Two forms are read: a JSON object with `query` (or `url`) and `body`, and the raw text of an HTTP request.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from dingtalk.protocol.errors import MalformedEvent, ProtocolError
from dingtalk.protocol.json_guard import read_json_object

MAX_CAPTURE_BYTES = 2_097_152


class UnreadableCapture(ProtocolError):
    """The file holds no request in a form that we read; the text says what is expected."""


@dataclass(frozen=True)
class CapturedRequest:
    """What DingTalk sent: the path, the query not yet decoded, and the body."""

    path: str
    query: str = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Every name and value of the query."""
        return parse_qsl(self.query, keep_blank_values=True)


def read_capture(content: bytes) -> CapturedRequest:
    """Return the captured request; raises UnreadableCapture."""
    if len(content) > MAX_CAPTURE_BYTES:
        raise UnreadableCapture("the file is larger than 2 MiB")
    stripped = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    return _from_json(stripped) if stripped.startswith(b"{") else _from_http(stripped)


def _from_json(content: bytes) -> CapturedRequest:
    try:
        members = read_json_object(content, max_bytes=MAX_CAPTURE_BYTES)
    except MalformedEvent as error:
        raise UnreadableCapture(str(error)) from error
    url, body = members.get("url", members.get("query")), members.get("body")
    if not isinstance(url, str) or not isinstance(body, str):
        raise UnreadableCapture('expected {"url": "...", "body": "..."}')
    return _of(url, body.encode())


def _from_http(content: bytes) -> CapturedRequest:
    head, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    method, _, rest = head.decode("utf-8", "replace").partition(" ")
    if method != "POST":
        raise UnreadableCapture("expected JSON, or a request that begins with POST")
    return _of(rest.split("\n", 1)[0].rsplit(" HTTP/", 1)[0], body.rstrip(b"\n"))


def _of(url: str, body: bytes) -> CapturedRequest:
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise UnreadableCapture("the URL cannot be read") from error
    if not parts.query and "=" in parts.path and "/" not in parts.path:
        return CapturedRequest(path="", query=parts.path, body=body)
    return CapturedRequest(path=parts.path, query=parts.query, body=body)
