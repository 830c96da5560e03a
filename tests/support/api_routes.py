"""How each route of the API is asked, so that tests can try all of them: one without a rule fails a test."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

TENANT, SUITE = "api/v1/tenants/<str:suite_key>/<str:corp_id>", "api/v1/suites/<str:suite_key>"
ONE_NOTIFICATION = f"{TENANT}/notifications/<str:notification_id>"
NO_ID = "01937f5e-5a2b-7c10-9d3e-0f6a2b4c8d1e"
HELLO = {"msgtype": "text", "text": {"content": "hello"}}
PATHS_OF_PROXY = ("/topapi/v2/user/get", "/v1.0/contact/users/me")
_OUTSIDE_THE_API = ("admin/", "i18n/", "healthz", "readyz")
_IDS = {
    "user_id": "zhangsan",
    "union_id": "unionOfZhangsan",
    "dept_id": "1",
    "role_id": "101",
    "notification_id": NO_ID,
}


class Reach(Enum):
    """Whom an app reaches by a route: what it covers of all, one tenant, one suite, or nobody."""

    LIST = "list"
    FEED = "feed"
    TENANT = "tenant"
    SUITE = "suite"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Rule:
    """What is sent by each method that a route has, so that it is answered if the app covers who is named."""

    reach: Reach
    sent: Mapping[str, Any] = field(default_factory=lambda: {"GET": None, "HEAD": None})
    ids: Mapping[str, str] = field(default_factory=dict)

    def methods(self, *wanted: str) -> list[str]:
        """The methods of these that the route has."""
        return [method for method in wanted if method in self.sent]

    def path(self, route: str, **ids: str) -> str:
        """The path of a route, with something in the place of each id."""
        for name, value in {**_IDS, **self.ids, **ids}.items():
            route = route.replace(f"<str:{name}>", value).replace(f"<path:{name}>", value)
        return route

    def body(self, method: str) -> bytes:
        """What is sent by a method; nothing by one that the route does not have."""
        document = self.sent.get(method)
        return b"" if document is None else json.dumps(document).encode()


def _of_tenant(**sent: Any) -> Rule:
    return Rule(Reach.TENANT, sent) if sent else Rule(Reach.TENANT)


def _of_suite(body: dict[str, Any]) -> Rule:
    return Rule(Reach.SUITE, {"POST": body})


def _of_proxy(path: str) -> Rule:
    written = {method: {"userid": "zhangsan"} for method in ("POST", "PUT", "PATCH", "DELETE")}
    return Rule(Reach.TENANT, {"GET": None, **written}, {"path": path.removeprefix("/")})


ROUTES = {
    "api/v1/tenants": Rule(Reach.LIST),
    "api/v1/events": Rule(Reach.FEED),
    "api/schema": Rule(Reach.NOBODY),
    "api/docs": Rule(Reach.NOBODY),
    TENANT: _of_tenant(),
    f"{TENANT}/access-token": _of_tenant(),
    f"{TENANT}/access-token/renew": _of_tenant(POST={"refused": "a-refused-token"}),
    f"{TENANT}/agents": _of_tenant(),
    f"{TENANT}/auth-scope": _of_tenant(),
    f"{TENANT}/history": _of_tenant(),
    f"{TENANT}/users/by-mobile": _of_tenant(POST={"mobile": "13900001111"}),
    f"{TENANT}/users/by-union-id/<str:union_id>": _of_tenant(),
    f"{TENANT}/users/<str:user_id>": _of_tenant(),
    f"{TENANT}/departments": _of_tenant(),
    f"{TENANT}/departments/<str:dept_id>": _of_tenant(),
    f"{TENANT}/departments/<str:dept_id>/users": _of_tenant(),
    f"{TENANT}/roles": _of_tenant(),
    f"{TENANT}/roles/<str:role_id>/users": _of_tenant(),
    f"{TENANT}/jsapi-config": _of_tenant(POST={"url": "https://app.example.com/"}),
    f"{TENANT}/login": _of_tenant(POST={"code": "nobodys-code"}),
    f"{TENANT}/notifications": _of_tenant(
        GET=None, HEAD=None, POST={"user_ids": ["zhangsan"], "message": HELLO}
    ),
    ONE_NOTIFICATION: _of_tenant(),
    f"{ONE_NOTIFICATION}/progress": _of_tenant(),
    f"{ONE_NOTIFICATION}/result": _of_tenant(),
    f"{ONE_NOTIFICATION}/recall": _of_tenant(POST=None),
    f"{ONE_NOTIFICATION}/status-bar": _of_tenant(POST={"status_value": "done", "status_bg": "0xFF78C06E"}),
    f"{TENANT}/proxy/oapi/<path:path>": _of_proxy(PATHS_OF_PROXY[0]),
    f"{TENANT}/proxy/api/<path:path>": _of_proxy(PATHS_OF_PROXY[1]),
    f"{SUITE}/oauth/login-url": _of_suite({"redirect_uri": "https://app.example.com/"}),
    f"{SUITE}/oauth/exchange": _of_suite({"code": "nobodys-code", "state": "nobodys-state"}),
    f"{SUITE}/oauth/refresh": _of_suite({"session": NO_ID}),
    f"{SUITE}/sso/login": _of_suite({"code": "nobodys-code"}),
}


def rules(*reached: Reach) -> list[str]:
    """The routes by which an app reaches these."""
    return [route for route, rule in ROUTES.items() if rule.reach in reached]


def routes_of_the_api() -> set[str]:
    """All routes that there are, by the URL table."""
    routes = [route for route in _routes(get_resolver("isv_portal.urls_web")) if route]
    return {route for route in routes if not route.startswith(_OUTSIDE_THE_API)}


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _routes(entry, route)
