"""What is answered before Django: the same to every endpoint that does not go through it."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_STATUS_LINES = {status: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Answer(NamedTuple):
    """What is sent back; its length is added to the headers."""

    status: HTTPStatus
    body: bytes
    headers: Sequence[tuple[str, str]]

    def send(self, start_response: "StartResponse") -> Iterable[bytes]:
        """Give it to the web server."""
        # Without a length the server sends it in chunks, which not every client reads.
        length = ("Content-Length", str(len(self.body)))
        start_response(_STATUS_LINES[self.status], [*self.headers, length])
        return [self.body]


def let_go_of_connection() -> None:
    """Close the thread's database connection when it is broken or too old, as Django does after a request."""
    connection = connections[DEFAULT_DB_ALIAS]
    if (connection.errors_occurred or connection.close_at is not None) and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
