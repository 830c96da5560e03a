"""Clients of the whole WSGI application, in this process: what the web server calls, without a server."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client, RequestFactory

from isv_portal.wsgi import application
from tenants.api.warm_answers import warm_answer


class Answer(HttpResponse):
    """What the application answered."""

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.content)


class WholeClient(Client):
    """Django's test client in front of the whole application: warm tokens come before Django."""

    def request(self, **request: Any) -> HttpResponse:
        """Send a request."""
        warm = warm_answer(self._base_environ(**request))
        if warm is None:
            return super().request(**request)
        length = {"Content-Length": str(len(warm.body))}
        return Answer(warm.body, status=warm.status, headers={**dict(warm.headers), **length})


class WsgiClient:
    """Sends requests as a web server does; `headers` are those of a WSGI environment (HTTP_X_REQUEST_ID)."""

    def __init__(self) -> None:
        self._factory = RequestFactory()

    def post(self, path: str, body: bytes = b"", **headers: Any) -> Answer:
        """Send a POST of JSON; `path` may have a query."""
        return self.send("POST", path, body, **headers)

    def send(self, method: str, path: str, body: bytes = b"", **headers: Any) -> Answer:
        """Send a request with any method."""
        request = self._factory.generic(method, path, body, content_type="application/json", **headers)
        started: list[Any] = []
        content = b"".join(application(request.environ, lambda *parts: started.extend(parts)))
        status, sent_headers = started
        return Answer(content, status=int(status.split()[0]), headers=dict(sent_headers))
