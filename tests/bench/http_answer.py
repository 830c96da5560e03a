"""Reading an HTTP/1.1 answer off a kept connection: status and body, as far as a load client needs them."""

import re

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class BadAnswer(Exception):
    """What came is no answer of the form that servers of ours give."""


def read_answer(received: bytes) -> tuple[int, bytes] | None:
    """Return status and body of the one answer in `received`, None while it is not whole."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    status = _STATUS.match(received)
    length = _LENGTH.search(received, 0, head_end + 2)
    if status is None or length is None:
        raise BadAnswer("an answer without status or length")
    body = received[head_end + 4 :]
    missing = int(length[1]) - len(body)
    if missing < 0:
        raise BadAnswer("an answer longer than its length")
    return None if missing else (int(status[1]), body)
