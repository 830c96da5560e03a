"""An operator's browser: logs in to the admin, sends forms, and opens every page that is linked."""

import re
from collections import deque
from html import unescape
from typing import Any

import requests

from tests.journeys.stack import Stack

LINK = re.compile(r"""(?:href|hx-get|action|data-url)=["'](/admin/[^"'#]*)""")
# What leads out, and the same lists in another order.
NOT_FOLLOWED = re.compile(r"/admin/logout/|[?&](?:o|p|e|_facets|_popup|_changelist_filters|[\w]+__[\w]+)=")


class Browser:
    """Keeps every answer it gets, by the address that it asked for."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        self.answers: dict[str, bytes] = {}

    def log_in(self, name: str, password: str) -> requests.Response:
        """Log in at the admin's own page."""
        self.get("/admin/login/")
        return self.post("/admin/login/", username=name, password=password, next="/admin/")

    def get(self, path: str) -> requests.Response:
        """Open a page."""
        return self._keep(f"GET {path}", self.session.get(self.stack.base_url + path, timeout=15))

    def post(self, path: str, **fields: Any) -> requests.Response:
        """Send a form, with Django's token against forgery."""
        data = {**fields, "csrfmiddlewaretoken": self.session.cookies.get("csrftoken", "")}
        answer = self.session.post(self.stack.base_url + path, data=data, timeout=15)
        return self._keep(f"POST {path}", answer)

    def walk(self, start: str = "/admin/") -> set[str]:
        """Open whatever is linked from the start on; return the paths that were opened."""
        seen, waiting = {start}, deque([start])
        while waiting:
            answer = self.get(waiting.popleft())
            assert answer.status_code < 500, answer.url
            for link in map(unescape, LINK.findall(answer.text)):
                if link not in seen and not NOT_FOLLOWED.search(link):
                    seen.add(link)
                    waiting.append(link)
        return {path.partition("?")[0] for path in seen}

    def _keep(self, asked: str, answer: requests.Response) -> requests.Response:
        texts = [f"{name}: {value}\n".encode() for name, value in answer.headers.items()]
        name = f"{asked} #{len(self.answers)}"
        self.answers[name] = b"".join(texts) + answer.content
        return answer
