"""What an app does of which nothing may be written: people log in, a message is sent, calls are passed on."""

import secrets
from collections.abc import Callable
from typing import Any, Protocol

import requests

from tests.journeys.canaries import Canaries
from tests.journeys.stack import Stack
from tests.support.api_routes import PATHS_OF_PROXY

KINDS = {
    *("login code", "login state", "session's access token", "session's refresh token", "SSO secret"),
    *("JSAPI ticket", "content of a notification", "content of a proxied call"),
}
JS_DOMAIN, PERSON = "app.example.com", "manager01"
READ_TOKENS = """
import json
from tenants.models import AccessToken, UserToken
print(json.dumps([
    *(["session's access token", row.access_token] for row in UserToken.objects.all()),
    *(["session's refresh token", row.refresh_token] for row in UserToken.objects.all()),
    *(["JSAPI ticket", row.token] for row in AccessToken.objects.filter(kind="jsapi_ticket")),
]))
"""


class Keep(Protocol):
    """Keeps an answer to be searched; `without`: what it was asked for."""

    def __call__(self, answer: requests.Response, *, without: str = "") -> requests.Response: ...


class BusyApp:
    """One app with every scope, and what it uses in one company."""

    def __init__(self, stack: Stack, canaries: Canaries, keep: Keep, *, suite_key: str, corp_id: str) -> None:
        self._stack, self._canaries, self._keep = stack, canaries, keep
        self._suite_key, self._corp_id = suite_key, corp_id
        self._tenant, self._suite = f"tenants/{suite_key}/{corp_id}", f"suites/{suite_key}"
        self._key = ""

    def act(self, scopes: list[str], learn: Callable[[str], None]) -> None:
        """Do everything as it should be and as it should not; `learn` gets code that prints tokens."""
        arguments = ("--suite", self._suite_key, "--scope", *scopes, "--proxy-path", *PATHS_OF_PROXY)
        self._key = self._stack.manage_json("api_key", "create", "busy app", *arguments)["key"]
        self._canaries.add("API key", self._key.split("_", 2)[2])
        self._log_in_with_codes()
        self._log_in_in_a_browser()
        self._sign_a_page()
        self._send_a_message()
        self._pass_a_call_on()
        learn(READ_TOKENS)

    def _log_in_with_codes(self) -> None:
        ways = [
            ("in_app", f"{self._tenant}/login", "/topapi/v2/user/getuserinfo"),
            ("sso", f"{self._suite}/sso/login", "/sso/getuserinfo"),
        ]
        for kind, path, endpoint in ways:
            spent = self._code(kind)
            assert [self._post(path, code=spent).status_code for _ in range(2)] == [200, 400]
            self._stack.simulator.add_fault(endpoint=endpoint, kind="reset", count=1)
            assert self._post(path, code=self._code(kind)).status_code == 503

    def _log_in_in_a_browser(self) -> None:
        oauth = f"{self._suite}/oauth"
        states = [self._state(oauth) for _ in range(2)]
        code = self._code("web")
        login = self._post(f"{oauth}/exchange", code=code, state=states[0])
        assert login.status_code == 200, login.text
        assert self._post(f"{oauth}/exchange", code=code, state=states[0]).status_code == 400
        assert self._post(f"{oauth}/exchange", code=code, state=states[1]).status_code == 400
        assert self._post(f"{oauth}/refresh", session=login.json()["session"]).status_code == 200

    def _sign_a_page(self) -> None:
        assert self._post(f"{self._tenant}/jsapi-config", url=f"https://{JS_DOMAIN}/").status_code == 200

    def _send_a_message(self) -> None:
        content = self._new("content of a notification")
        message = {"msgtype": "text", "text": {"content": content}}
        path = f"{self._tenant}/notifications"
        for agent_id, status in ((1, 400), (None, 201), (None, 201)):
            agent = {"agent_id": agent_id} if agent_id else {}
            sent = self._post(path, user_ids=[PERSON], message=message, **agent)
            assert sent.status_code == status, sent.text
        assert self._post(path, user_ids=[PERSON], message={"msgtype": content}).status_code == 400

    def _pass_a_call_on(self) -> None:
        content = self._new("content of a proxied call")
        path = f"{self._tenant}/proxy/oapi{PATHS_OF_PROXY[0]}"
        assert self._post(path, userid=PERSON, note=content).status_code == 200
        assert self._post(f"{path}?note={content}", access_token=content).status_code == 400
        self._stack.simulator.add_fault(endpoint=PATHS_OF_PROXY[0], kind="reset", count=1)
        assert self._post(path, note=content).status_code == 504

    def _new(self, kind: str) -> str:
        made = f"canary{secrets.token_hex(12)}"
        self._canaries.add(kind, made)
        return made

    def _code(self, kind: str) -> str:
        code = self._stack.simulator.login_code(self._suite_key, self._corp_id, PERSON, kind=kind)
        self._canaries.add("login code", code)
        return code

    def _state(self, oauth: str) -> str:
        begun = self._ask(f"{oauth}/login-url", redirect_uri=f"https://{JS_DOMAIN}/")
        state = str(begun.json()["state"])
        self._canaries.add("login state", state)
        self._keep(begun, without=state)
        return state

    def _post(self, path: str, **members: Any) -> requests.Response:
        return self._keep(self._ask(path, **members))

    def _ask(self, path: str, **members: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": "a-key-of-the-app"}
        url = f"{self._stack.base_url}/api/v1/{path}"
        return requests.post(url, json=members, headers=headers, timeout=15)
