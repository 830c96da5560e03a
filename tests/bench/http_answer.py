"""Reading an HTTP/1.1 answer off a kept connection: status and body, as far as a load client needs them."""

import re

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class BadAnswer(Exception):
    """What came is no answer of the form that servers of ours give."""


def read_answer(received: bytes) -> tuple[int, bytes] | None:
    """Return status and body of the one answer in `received`, None while it is not whole."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    status = _STATUS.match(received)
    if status is None:
        raise BadAnswer("an answer without status")
    is_chunked = _CHUNKED.search(received, 0, head_end + 2)
    rest = received[head_end + 4 :]
    body = _read_chunks(rest) if is_chunked else _read_counted(rest, _length(received, head_end))
    return None if body is None else (int(status[1]), body)


def _length(received: bytes, head_end: int) -> int:
    length = _LENGTH.search(received, 0, head_end + 2)
    if length is None:
        raise BadAnswer("an answer without length")
    return int(length[1])


def _read_counted(rest: bytes, length: int) -> bytes | None:
    if len(rest) > length:
        raise BadAnswer("an answer longer than its length")
    return rest if len(rest) == length else None


def _read_chunks(rest: bytes) -> bytes | None:
    body = b""
    while (line_end := rest.find(b"\r\n")) >= 0:
        size = _size_of_chunk(rest[:line_end])
        chunk_end = line_end + 2 + size
        if len(rest) < chunk_end + 2:
            return None
        if size == 0:
            return body
        body += rest[line_end + 2 : chunk_end]
        rest = rest[chunk_end + 2 :]
    return None


def _size_of_chunk(line: bytes) -> int:
    try:
        return int(line, 16)
    except ValueError:
        raise BadAnswer("an answer with a broken chunk") from None
