"""
The story of the demo, step by step, each step checked.

Three companies authorise two suites, one suite of each push mode; every step is done by somebody
(DingTalk, a company, the portal, the tenant app), and its result is looked at from outside, over HTTP.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from isv_portal.demo.world import DemoFailed, DemoWorld, wait_until

STEP_SECONDS = 20
SCOPES = ("tenants:read", "tokens:read", "login", "jsapi:sign", "messages:send", "events:read")
PERSON = "manager01"
PAGE_DOMAIN = "app.example.com"
URL_CHECKS = ("check_url", "check_create_suite_url", "check_update_suite_url")


@dataclass(frozen=True)
class Step:
    """Who does what; `play` does it and returns what came of it, or raises DemoFailed."""

    who: str
    what: str
    play: Callable[[], str]


@dataclass(frozen=True)
class Actor:
    """One company on one suite."""

    name: str
    corp_id: str
    suite_key: str


class Story:
    """The steps in their order; after the first one `api_key` is the tenant app's key."""

    def __init__(self, world: DemoWorld) -> None:
        self.world = world
        self.simulator = world.simulator
        self.api_key = ""
        simulated = self.simulator.state()
        self.suites: list[dict[str, Any]] = simulated["suites"]
        self.actors = _cast(simulated)
        self._relieved_at_ms = 0

    def steps(self) -> Iterator[Step]:
        """Yield what happens, in order."""
        yield Step("operator", "registers two suites and makes an API key", self._register)
        for suite in self.suites:
            yield Step(
                "DingTalk", f"checks the callback URL of {suite['name']}", partial(self._check_url, suite)
            )
            yield Step(
                "DingTalk", f"pushes a suite ticket to {suite['name']}", partial(self._push_ticket, suite)
            )
        for actor in self.actors:
            yield Step(
                actor.name, "authorises: code, info, token, activation", partial(self._authorize, actor)
            )
        for actor in self.actors:
            yield Step(
                "tenant app", f"gets a token for {actor.name} and uses it", partial(self._use_token, actor)
            )
        yield from self._of_an_app(self.actors[0])
        yield from self._later(self.actors[0])

    def _of_an_app(self, actor: Actor) -> Iterator[Step]:
        yield Step(
            "a person", f"of {actor.name} opens the app and is logged in", partial(self._log_in, actor)
        )
        yield Step("tenant app", "signs a page for dd.config", partial(self._sign_page, actor))
        yield Step("tenant app", "sends that person a work notification", partial(self._send, actor))
        yield Step("tenant app", "reads what happened from the event feed", self._read_events)

    def _later(self, actor: Actor) -> Iterator[Step]:
        yield Step(actor.name, "changes the scope", partial(self._change_scope, actor))
        yield Step(actor.name, "stops the app", partial(self._switch, actor, "stop", "stopped"))
        yield Step(actor.name, "restores the app", partial(self._switch, actor, "restore", "active"))
        yield Step(actor.name, "withdraws the authorisation", partial(self._relieve, actor))
        yield Step("tenant app", "asks for a token and is refused", partial(self._is_refused, actor))
        yield Step(actor.name, "authorises again", partial(self._authorize, actor))
        yield Step("DingTalk", "delivers the old withdrawal late", partial(self._late_relieve, actor))
        yield Step(
            "tenant app", f"gets a token for {actor.name} and uses it", partial(self._use_token, actor)
        )

    def _register(self) -> str:
        for suite in self.suites:
            added = self.world.manage_json(
                "suite", "add", "--secrets-file", "-", stdin=json.dumps(_registration(suite))
            )
            self.simulator.set_callback_url(suite["suite_key"], added["callback_url"])
        keys = [option for suite in self.suites for option in ("--suite", suite["suite_key"])]
        scopes = [option for scope in SCOPES for option in ("--scope", scope)]
        self.api_key = self.world.manage_json("api_key", "create", "demo app", *keys, *scopes)["key"]
        return f"{len(self.suites)} suites, 1 key"

    def _check_url(self, suite: dict[str, Any]) -> str:
        for event in URL_CHECKS:
            _expect(
                self.simulator.check_url(suite["suite_key"], event)["accepted"], f"{event} was not accepted"
            )
        return "encrypted success, 3 times"

    def _push_ticket(self, suite: dict[str, Any]) -> str:
        _expect(self.simulator.push_ticket(suite["suite_key"])["accepted"], "the ticket was not accepted")
        return "stored"

    def _authorize(self, actor: Actor) -> str:
        _expect(self._act(actor, "authorize")["accepted"], "the push was not accepted")
        self._await_state(actor, "active")
        return "active"

    def _use_token(self, actor: Actor) -> str:
        answer = self._ask(actor, "/access-token")
        _expect(answer.status_code == 200, f"HTTP {answer.status_code}: {answer.text[:200]}")
        listed = requests.post(
            f"{self.simulator.base_url}/topapi/v2/department/listsub",
            params={"access_token": answer.json()["access_token"]},
            json={"dept_id": 1},
            timeout=10,
        ).json()
        _expect(listed.get("errcode") == 0, f"DingTalk refuses the token: {listed}")
        return (
            f"valid for {answer.json()['expires_in']} s; DingTalk lists {len(listed['result'])} departments"
        )

    def _log_in(self, actor: Actor) -> str:
        code = self.simulator.login_code(actor.suite_key, actor.corp_id, PERSON)
        person = self._tell(actor, "/login", {"code": code})["person"]
        return f"{person['name']} ({person['user_id']})"

    def _sign_page(self, actor: Actor) -> str:
        signed = self._tell(actor, "/jsapi-config", {"url": f"https://{PAGE_DOMAIN}/home?tab=1"})
        return f"{signed['algorithm']} {signed['signature'][:12]}…"

    def _send(self, actor: Actor) -> str:
        message = {"msgtype": "text", "text": {"content": "欢迎使用"}}
        body = {"user_ids": [PERSON], "message": message}
        self._tell(actor, "/notifications", body, **{"Idempotency-Key": "demo-welcome"})
        self._await(
            lambda: self.simulator.messages(actor.suite_key, actor.corp_id, PERSON),
            "the message arrives",
        )
        return "arrived"

    def _read_events(self) -> str:
        def entries() -> Any:
            answer = self._request("GET", f"{self.world.base_url}/api/v1/events")
            return answer.json().get("results")

        self._await(entries, "the feed has events")
        return f"{len(entries())} events, without secrets"

    def _change_scope(self, actor: Actor) -> str:
        before = self._ask(actor, "").json()["updated_at"]
        _expect(self._act(actor, "change")["accepted"], "the push was not accepted")
        self._await(lambda: self._ask(actor, "").json()["updated_at"] != before, "the tenant follows")
        return "followed"

    def _switch(self, actor: Actor, action: str, state: str) -> str:
        self._act(actor, action)
        self._await_state(actor, state)
        return state

    def _relieve(self, actor: Actor) -> str:
        self._relieved_at_ms = int(time.time() * 1000)
        self._act(actor, "relieve", platform_time_ms=self._relieved_at_ms)
        self._await_state(actor, "relieved")
        return "relieved; tokens and codes wiped"

    def _is_refused(self, actor: Actor) -> str:
        answer = self._ask(actor, "/access-token")
        _expect(answer.status_code == 409, f"HTTP {answer.status_code} instead of 409")
        return f"409 {answer.json()['errors'][0]['code']}"

    def _late_relieve(self, actor: Actor) -> str:
        self._act(actor, "relieve", platform_time_ms=self._relieved_at_ms - 1, stale=True)
        time.sleep(1)
        self._await_state(actor, "active")
        return "ignored: older than the authorisation"

    def _act(self, actor: Actor, action: str, **options: Any) -> Any:
        return self.simulator.act(actor.suite_key, actor.corp_id, action, **options)

    def _ask(self, actor: Actor, rest: str) -> requests.Response:
        return self._request("GET", self._url(actor, rest))

    def _tell(self, actor: Actor, rest: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = self._request("POST", self._url(actor, rest), body, **headers)
        _expect(answer.ok, f"HTTP {answer.status_code}: {answer.text[:200]}")
        members: dict[str, Any] = answer.json()
        return members

    def _url(self, actor: Actor, rest: str) -> str:
        return f"{self.world.base_url}/api/v1/tenants/{actor.suite_key}/{actor.corp_id}{rest}"

    def _request(
        self, method: str, url: str, body: dict[str, Any] | None = None, **headers: str
    ) -> requests.Response:
        headers["Authorization"] = f"Bearer {self.api_key}"
        return requests.request(method, url, json=body, headers=headers, timeout=15)

    def _await_state(self, actor: Actor, state: str) -> None:
        self._await(lambda: self._ask(actor, "").json().get("state") == state, f"{actor.name} is {state}")

    def _await(self, look: Callable[[], Any], what: str) -> None:
        wait_until(look, seconds=STEP_SECONDS, what=what)


def _cast(simulated: dict[str, Any]) -> list[Actor]:
    """Three companies: two on the first suite, one on the second."""
    suites, companies = simulated["suites"], simulated["companies"]
    pairs = zip(companies[:3], (suites[0], suites[0], suites[-1]), strict=True)
    return [Actor(company["name"], company["corp_id"], suite["suite_key"]) for company, suite in pairs]


def _registration(suite: dict[str, Any]) -> dict[str, Any]:
    """What an operator copies from DingTalk's console."""
    names = ("name", "suite_id", "suite_key", "suite_secret", "encoding_aes_key", "push_mode")
    typed = {name: suite[name] for name in names}
    return {**typed, "callback_token": suite["token"], "js_domains": PAGE_DOMAIN}


def _expect(is_so: object, complaint: str) -> None:
    if not is_so:
        raise DemoFailed(complaint)
