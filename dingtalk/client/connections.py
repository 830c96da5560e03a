"""
Connections to DingTalk: pooled, with one deadline for a whole answer, and tried again only while connecting.
"""

import http.client
import io
import socket
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.retry import Retry

HOSTS = 2
CONNECTIONS = 20

# A connection that failed has carried nothing, so another try is safe for every call. Nothing else is
# repeated here: who wants an answer comes back later, and knows whether that is wise.
_ONLY_CONNECTING = Retry(
    total=None,
    connect=2,
    read=False,
    status=0,
    other=0,
    redirect=0,
    backoff_factor=0.1,
    backoff_max=0.3,
    respect_retry_after_header=False,
)


def new_session() -> requests.Session:
    """Return a session with connections of its own; safe for many threads."""
    session = _Session()
    adapter = _Adapter(
        pool_connections=HOSTS, pool_maxsize=CONNECTIONS, pool_block=True, max_retries=_ONLY_CONNECTING
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Session(requests.Session):
    """A session that takes nothing from the environment, keeps no cookies and follows nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        # Even when it may not follow, requests would prepare to, and read the whole body for it.
        return None


class _TimedReader(io.RawIOBase):
    """
    Reads an answer from its socket, for as long as the socket's timeout all in all.

    By itself the timeout starts anew with every byte: a header line a second would never end.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._source = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(remaining)
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()


class _TimedSource:
    """All of a socket that the standard library's response asks for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock))


class _TimedResponse(http.client.HTTPResponse):
    """Status line, headers and body, with one deadline for all of them."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(_TimedSource(sock), debuglevel, method, url)  # type: ignore[arg-type]


class _Connecting:
    """A failed TLS handshake is a failed connection too: nothing of the request was sent."""

    response_class: Any = _TimedResponse

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        except OSError as error:
            raise NewConnectionError(self, type(error).__name__) from error  # type: ignore[arg-type]


class _HttpConnection(_Connecting, HTTPConnection):
    """A connection to the simulator."""


class _HttpsConnection(_Connecting, HTTPSConnection):
    """A connection to DingTalk."""


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
