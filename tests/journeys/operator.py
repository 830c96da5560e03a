"""Who looks at the portal from outside: an operator with commands, a tenant app with a key."""

import json
import time
from typing import Any

import requests

from tests.journeys.stack import Stack

SCOPES = ("--scope", "tenants:read", "--scope", "tokens:read")


class Operator:
    """Registers suites by command, and reads the rest by the REST API as a tenant app does."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.keys: dict[str, str] = {}

    def register_suite(self, suite_key: str, **changes: str) -> None:
        """Copy a suite from DingTalk's console to the portal, and the callback URL back; once."""
        if suite_key in self.keys:
            return
        simulated = self.stack.simulator.suite(suite_key)
        names = ("name", "suite_id", "suite_key", "suite_secret", "encoding_aes_key", "push_mode")
        values = {
            **{name: simulated[name] for name in names},
            "callback_token": simulated["token"],
            **changes,
        }
        added = self.stack.manage_json("suite", "add", "--secrets-file", "-", stdin=json.dumps(values))
        self.stack.simulator.set_callback_url(suite_key, added["callback_url"])
        made = self.stack.manage_json(
            "api_key", "create", f"app of {suite_key}", "--suite", suite_key, *SCOPES
        )
        self.keys[suite_key] = made["key"]

    def ask(self, suite_key: str, corp_id: str, rest: str = "", **query: Any) -> requests.Response:
        """GET a tenant, or something below it."""
        return self.stack.api(f"/tenants/{suite_key}/{corp_id}{rest}", key=self.keys[suite_key], **query)

    def tenant(self, suite_key: str, corp_id: str, **wanted: Any) -> Any:
        """Return the tenant if it is as wanted, else None."""
        answer = self.ask(suite_key, corp_id)
        if answer.status_code != 200:
            return None
        tenant = answer.json()
        return tenant if all(tenant[name] == value for name, value in wanted.items()) else None

    def departments_in_scope(self, suite_key: str, corp_id: str) -> list[int]:
        """Return which departments the company lets the app see."""
        tenant = self.tenant(suite_key, corp_id)
        return list(((tenant or {}).get("auth_scope") or {}).get("dept_ids", []))

    def access_token(self, suite_key: str, corp_id: str, **query: Any) -> requests.Response:
        """Ask for a corp access token."""
        return self.ask(suite_key, corp_id, "/access-token", **query)

    def patient_token(self, suite_key: str, corp_id: str, **query: Any) -> str:
        """Ask until there is a token, coming back when the portal says so."""
        for _attempt in range(30):
            answer = self.access_token(suite_key, corp_id, **query)
            if answer.status_code == 200:
                return str(answer.json()["access_token"])
            assert answer.status_code == 503, answer.text
            time.sleep(min(1.0, float(answer.headers["Retry-After"])))
        raise AssertionError("no token after 30 attempts")
