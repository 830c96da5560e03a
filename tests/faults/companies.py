"""Companies that a scenario makes for itself, and what DingTalk's ledger and the portal's API say of them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import requests

from tests.faults.receiver import read_states
from tests.faults.world import World

EXCHANGE = "/service/get_permanent_code"
REAUTH = "/service/reauth_corp"
ACTIVATE = "/service/activate_suite"
EVERY_CALL = "*"
AUTH_INFO = "/service/get_auth_info"
SCOPE = "/auth/scopes"
CORP_TOKEN_CALLS = (
    "/v1.0/oauth2/corpAccessToken",
    "/service/get_corp_token",
    "/v1.0/oauth2/{corpId}/token",
)
_AT_ONCE = 8
_PUSH_SECONDS = 60.0
_LOOK_SECONDS = 0.5


class Companies:
    """Some companies of one suite. `since`: the last call in DingTalk's ledger before there were any."""

    def __init__(self, world: World, suite_key: str, count: int) -> None:
        self.world, self.suite_key = world, suite_key
        self.since = world.last_call_id()
        number = world.next_number()
        self.corp_ids = [f"dingmade{number:03d}x{index:05d}" for index in range(count)]
        for corp_id in self.corp_ids:
            world.simulator.add_company(corp_id=corp_id, name=f"公司 {corp_id}")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {world.app_key}"

    def authorize(self) -> None:
        """Have all of them authorise the suite, some at a time, each pushed until it is acknowledged."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(self._authorize, self.corp_ids))

    def act(self, corp_id: str, action: str, **options: Any) -> Any:
        """Do what a company's administrator does."""
        return self.world.simulator.act(self.suite_key, corp_id, action, **options)

    def _authorize(self, corp_id: str) -> None:
        for pushed in self.act(corp_id, "authorize")["pushes"]:
            push, deadline = pushed, time.monotonic() + _PUSH_SECONDS
            while not push["attempts"][-1]["accepted"]:
                if time.monotonic() > deadline:
                    raise AssertionError(f"a push of {corp_id} is not acknowledged")
                time.sleep(_LOOK_SECONDS)
                push = self.world.simulator.push_again(self.suite_key, push["id"])

    def wait(self, state: str = "active", *, within: float) -> tuple[float, list[str]]:
        """Wait until all are in a state; return for how long, and those that are not."""
        began = time.monotonic()
        while True:
            seconds, others = time.monotonic() - began, self.not_in(state)
            if not others or seconds > within:
                return round(seconds, 1), others
            time.sleep(_LOOK_SECONDS)

    def not_in(self, state: str) -> list[str]:
        """Return those that the portal does not show in a state; all, when it does not answer."""
        try:
            companies = dict.fromkeys(self.corp_ids, self.suite_key)
            states = read_states(self._session, self.world.base_url, companies)
        except requests.RequestException:
            return self.corp_ids
        return [corp_id for corp_id in self.corp_ids if states.get(corp_id) != state]

    def calls(self, *endpoints: str) -> list[dict[str, Any]]:
        """Return the calls since there were these companies, of all companies, by DingTalk's own ledger."""
        found = self.world.simulator.calls(since_id=self.since)["calls"]
        return [call for call in found if not endpoints or call["endpoint"] in endpoints]

    def count(self, *endpoints: str, code: int | str | None = None) -> Counter[str]:
        """Count the calls for each of them, those with an answer if one is named."""
        ours = set(self.corp_ids)
        return Counter(
            call["corp_id"]
            for call in self.calls(*endpoints)
            if call["corp_id"] in ours and code in (None, call["code"])
        )

    def let_tokens_run_out(self) -> None:
        """Bring the tokens that the portal holds for them to their end, as two hours would."""
        with psycopg.connect(self.world.postgresql.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE tenants_accesstoken SET expires_at = now(), refresh_at = now() WHERE tenant_id IN ("
                " SELECT tenant.id FROM tenants_tenant tenant JOIN tenants_authcorp corp"
                " ON corp.id = tenant.corp_id WHERE corp.corp_id = ANY(%s))",
                [self.corp_ids],
            )

    def ask_for_token(self, corp_id: str) -> requests.Response:
        """Ask for a company's token, as a tenant app does."""
        return self.world.stack.api(
            f"/tenants/{self.suite_key}/{corp_id}/access-token", key=self.world.app_key
        )


def measured(ask: Callable[[], requests.Response], *, seconds: float) -> list[tuple[float, int]]:
    """Ask one after another for so long; return how long each took (ms), and its status (0: no answer)."""
    end, seen = time.monotonic() + seconds, []
    while time.monotonic() < end:
        began = time.perf_counter()
        try:
            status = ask().status_code
        except requests.RequestException:
            status = 0
        seen.append(((time.perf_counter() - began) * 1000, status))
    return seen


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile, 0 of nothing."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1) if ordered else 0.0


def seconds_until(look: Callable[[], bool], *, within: float) -> float | None:
    """Look until it is so; return after how many seconds, None when not in time."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > within:
            return None
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)
