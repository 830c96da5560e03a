"""A client of the simulator's control interface: what DingTalk, a company or its administrator does."""

from typing import Any

import requests

TIMEOUT_SECONDS = 30


class SimulatorRemote:
    """Speaks to a running simulator; every refusal raises requests.HTTPError with what it said."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._session = requests.Session()
        self._session.trust_env = False

    def state(self) -> Any:
        """Return the simulated world, secrets included."""
        return self._call("GET", "/_sim/state")

    def suite(self, suite_key: str) -> Any:
        """Return one suite."""
        return next(suite for suite in self.state()["suites"] if suite["suite_key"] == suite_key)

    def set_callback_url(self, suite_key: str, callback_url: str) -> Any:
        """Tell DingTalk where to push a suite's events."""
        return self._call("PUT", f"/_sim/suites/{suite_key}", {"callback_url": callback_url})

    def check_url(self, suite_key: str, event: str) -> Any:
        """Have a suite's callback URL checked, as its console's button does."""
        return self._call("POST", f"/_sim/suites/{suite_key}/check-url", {"event": event})

    def push_ticket(self, suite_key: str) -> Any:
        """Have a new suite ticket pushed."""
        return self._call("POST", f"/_sim/suites/{suite_key}/push-ticket", {"wait": True})

    def add_company(self, **values: Any) -> Any:
        """Make a company; what is missing is invented."""
        return self._call("POST", "/_sim/companies", values)

    def act(self, suite_key: str, corp_id: str, action: str, **options: Any) -> Any:
        """Do what a company's administrator does: authorize, change, stop, restore, relieve, …"""
        path = f"/_sim/suites/{suite_key}/companies/{corp_id}/{action}"
        return self._call("POST", path, {"wait": True, **options})

    def login_code(self, suite_key: str, corp_id: str, userid: str, kind: str = "in_app", **how: Any) -> str:
        """Return a code for a person: `in_app`, `web` (with `scope`) or `sso`."""
        path = f"/_sim/suites/{suite_key}/companies/{corp_id}/people/{userid}/login-code"
        return str(self._call("POST", path, {"kind": kind, **how})["code"])

    def dismiss(self, corp_id: str, userid: str) -> Any:
        """Have a person leave a company."""
        return self._call("DELETE", f"/_sim/companies/{corp_id}/people/{userid}")

    def push_event(self, suite_key: str, document: dict[str, Any]) -> Any:
        """Push any event."""
        return self._call("POST", f"/_sim/suites/{suite_key}/push", {"document": document, "wait": True})

    def push_again(self, suite_key: str, push_id: int) -> Any:
        """Send an earlier push once more, sealed anew; return the new one after its first delivery."""
        order = {"push_id": push_id, "fresh_envelope": True, "wait": True}
        return self._call("POST", f"/_sim/suites/{suite_key}/redeliver", order)["pushes"][0]

    def calls(self, **filters: Any) -> Any:
        """Return the API calls that the simulator answered."""
        return self._call("GET", "/_sim/calls", params=filters)

    def pushes(self, **filters: Any) -> Any:
        """Return the pushes that the simulator sent, with the verdict on each answer."""
        return self._call("GET", "/_sim/pushes", params=filters)

    def messages(self, suite_key: str, corp_id: str, userid: str = "") -> Any:
        """Return the work notifications to a company's people, or to one of them, the oldest first."""
        path = f"/_sim/suites/{suite_key}/companies/{corp_id}/messages"
        return self._call("GET", path, params={"userid": userid})["messages"]

    def read_messages(self, suite_key: str, corp_id: str, userid: str) -> Any:
        """Have somebody read the work notifications that have arrived."""
        path = f"/_sim/suites/{suite_key}/companies/{corp_id}/messages/read"
        return self._call("POST", path, {"userid": userid})

    def set_clock(self, offset_seconds: int) -> Any:
        """Move the platform's clock away from real time."""
        return self._call("POST", "/_sim/clock", {"offset_seconds": offset_seconds})

    def advance(self, seconds: float) -> Any:
        """Let time pass at the platform: tokens and codes expire, limits are over, tickets are pushed."""
        return self._call("POST", "/_sim/clock", {"advance_seconds": seconds})

    def limits(self) -> Any:
        """Return how many calls are answered, who is blocked, and how many were refused."""
        return self._call("GET", "/_sim/limits")

    def set_limits(self, **limits: Any) -> Any:
        """Change how many calls are answered, and begin to count anew."""
        return self._call("PUT", "/_sim/limits", limits)

    def add_fault(self, **fault: Any) -> Any:
        """Let it misbehave."""
        return self._call("POST", "/_sim/faults", fault)

    def clear_faults(self) -> Any:
        """Let it behave."""
        return self._call("DELETE", "/_sim/faults")

    def _call(self, method: str, path: str, body: Any = None, params: Any = None) -> Any:
        answer = self._session.request(
            method, self.base_url + path, json=body, params=params, timeout=TIMEOUT_SECONDS
        )
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()
