"""
A small client of the portal's REST API for apps in Python. One file; needs `requests` and nothing else.

Copy it into your app. It covers what most apps need; docs/rest-api.md has every call.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 10.0


class PortalError(Exception):
    """
    The portal said no. `code` is stable; `retry_after_seconds` says when to ask again, if that helps.

    `dingtalk_code` and `dingtalk_request_id` are DingTalk's own, where it was DingTalk that refused.
    """

    def __init__(self, answer: requests.Response) -> None:
        try:
            error = answer.json()["errors"][0]
        except (ValueError, LookupError, TypeError):
            error = {}
        self.status = answer.status_code
        self.code = str(error.get("code", "error"))
        self.attr = error.get("attr")
        self.dingtalk_code = str(error.get("dingtalk_code", ""))
        self.dingtalk_request_id = str(error.get("dingtalk_request_id", ""))
        wait = answer.headers.get("Retry-After", "")
        self.retry_after_seconds = int(wait) if wait.isdigit() else None
        super().__init__(f"{self.status} {self.code}: {error.get('detail', '')}")


@dataclass(frozen=True)
class Person:
    """Who logged in, and in which company. `session` asks again later, where there is one."""

    corp_id: str
    union_id: str
    name: str
    user_id: str | None
    session: str | None = None


@dataclass(frozen=True)
class LoginAddress:
    """Where to send the browser, and the state to keep in the browser's own session until it is back."""

    url: str
    state: str


@dataclass(frozen=True)
class SentNotification:
    """What was sent: ask for its progress or recall it by `id`."""

    id: str
    task_id: int
    warnings: list[dict[str, Any]]


@dataclass(frozen=True)
class Event:
    """Something that happened in a company. Keep the cursor with what you did about it."""

    cursor: str
    id: str
    suite_key: str
    corp_id: str
    type: str
    data: dict[str, Any] | None = field(repr=False)


class Portal:
    """The portal, as one app sees it with its API key. Safe to use in one thread."""

    def __init__(self, base_url: str, api_key: str, *, suite_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._suite_key = suite_key
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {api_key}"

    def tenants(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Return the companies that the key covers, the newest first. `filters`: `state`, `name`, ..."""
        query: dict[str, Any] | None = {"suite_key": self._suite_key, **filters}
        path = "tenants"
        while True:
            page = self.call("GET", path, query=query)
            yield from page["results"]
            if page["next"] is None:
                return
            path, query = page["next"].partition("/api/v1/")[2], None

    def access_token(self, corp_id: str, *, min_ttl_seconds: int = 60) -> str:
        """Return a token to call DingTalk with in a company's name; the portal renews it in time."""
        answer = self.call("GET", self._tenant(corp_id, "access-token"), query={"min_ttl": min_ttl_seconds})
        return str(answer["access_token"])

    def renewed_access_token(self, corp_id: str, *, refused: str) -> str:
        """Return a token to use instead of one that DingTalk refuses."""
        answer = self.call("POST", self._tenant(corp_id, "access-token/renew"), body={"refused": refused})
        return str(answer["access_token"])

    def jsapi_config(self, corp_id: str, *, url: str) -> dict[str, Any]:
        """Return what `dd.config` needs on the page at `url`."""
        return self.call("POST", self._tenant(corp_id, "jsapi-config"), body={"url": url})

    def login_address(self, *, redirect_uri: str, corp_id: str | None = None) -> LoginAddress:
        """Return DingTalk's login page for a browser."""
        body = {"redirect_uri": redirect_uri, **({"corp_id": corp_id} if corp_id else {})}
        answer = self.call("POST", f"suites/{self._suite_key}/oauth/login-url", body=body)
        return LoginAddress(url=answer["url"], state=answer["state"])

    def complete_login(self, *, code: str, state: str) -> Person:
        """Return who came back from the login page. Compare the state with the browser's before."""
        body = {"code": code, "state": state}
        answer = self.call("POST", f"suites/{self._suite_key}/oauth/exchange", body=body)
        return _person(answer, session=answer["session"])

    def login_in_app(self, corp_id: str, *, code: str) -> Person:
        """Return who opened the app inside DingTalk; `code` comes from `dd.requestAuthCode`."""
        return _person(self.call("POST", self._tenant(corp_id, "login"), body={"code": code}))

    def user(self, corp_id: str, user_id: str) -> dict[str, Any]:
        """Return a person of the company."""
        return self.call("GET", self._tenant(corp_id, f"users/{quote(user_id, safe='')}"))

    def department_users(self, corp_id: str, dept_id: int) -> Iterator[dict[str, Any]]:
        """Return the people of one department, not of those below it."""
        query: dict[str, Any] = {}
        while True:
            page = self.call("GET", self._tenant(corp_id, f"departments/{dept_id}/users"), query=query)
            yield from page["results"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def send_text(
        self, corp_id: str, *, user_ids: list[str], text: str, idempotency_key: str | None = None
    ) -> SentNotification:
        """
        Send a work notification.

        Give an `idempotency_key` of your own, kept with whatever the message is about, if you want to be able
        to try again after a crash: the portal sends once for each key.
        """
        message = {"msgtype": "text", "text": {"content": text}}
        answer = self.call(
            "POST",
            self._tenant(corp_id, "notifications"),
            body={"user_ids": user_ids, "message": message},
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
        )
        return SentNotification(id=answer["id"], task_id=answer["task_id"], warnings=answer["warnings"])

    def recall(self, corp_id: str, notification_id: str) -> None:
        """Take a notification back, within 24 hours; a second time changes nothing."""
        self.call("POST", self._tenant(corp_id, f"notifications/{notification_id}/recall"))

    def ask_dingtalk(
        self, corp_id: str, method: str, path: str, *, body: dict[str, Any] | None = None
    ) -> requests.Response:
        """
        Call DingTalk in a company's name through the proxy, and return its own answer, whatever it says.

        `path`: `oapi/topapi/v2/user/get` or `api/v1.0/contact/users/me`, which the key's list has to allow.
        """
        answer = self._request(method, self._tenant(corp_id, f"proxy/{path}"), body=body)
        if answer.headers.get("X-Answer-From") != "dingtalk":
            raise PortalError(answer)
        return answer

    def events(self, *, after: str | None = None, **filters: str) -> Iterator[Event]:
        """
        Return the events after a cursor, the oldest first, until there are no more for now.

        `filters`: `corp_id`, `type`. Events may come again; `id` tells them apart.
        """
        query: dict[str, Any] = {**filters, **({"after": after} if after else {})}
        while True:
            page = self.call("GET", "events", query=query)
            for entry in page["results"]:
                yield Event(**{name: entry[name] for name in Event.__dataclass_fields__})
            if not page["has_more"]:
                return
            query["after"] = page["next"]

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """
        Make any call of the API, also one that has no method here; raises PortalError.

        `path`: what comes after `/api/v1/`. `request`: `query`, `body`, `headers`.
        """
        answer = self._request(method, path, **request)
        if not 200 <= answer.status_code < 300:
            raise PortalError(answer)
        members: dict[str, Any] = answer.json()
        return members

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        return self._session.request(
            method,
            f"{self._base_url}/api/v1/{path}",
            params=query,
            json=body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )

    def _tenant(self, corp_id: str, rest: str) -> str:
        return f"tenants/{self._suite_key}/{quote(corp_id, safe='')}/{rest}"


def _person(answer: dict[str, Any], session: str | None = None) -> Person:
    person = answer["person"]
    return Person(
        corp_id=answer["corp_id"],
        union_id=person["union_id"],
        name=person.get("nick") or person.get("name") or "",
        user_id=person["user_id"],
        session=session,
    )
