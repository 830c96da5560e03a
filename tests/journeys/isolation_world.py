"""Two suites, companies that authorised one or both, and apps that cover some of it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tenants.models import Scope
from tests.journeys.conftest import start_stack
from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY, SEED, SYNC_HTTP, Stack
from tests.support.api_routes import HELLO, PATHS_OF_PROXY

FIRST, SECOND, THIRD, FOURTH = (company["corp_id"] for company in SEED["companies"])
NAMES = {company["corp_id"]: company["name"] for company in SEED["companies"]}
NOBODY, NO_SUITE = "dingnobody000001", "suitenobody0001"
# Authorised at DingTalk, and the portal was never told.
UNTOLD = (SYNC_HTTP, FOURTH)

WIDE, NARROW = "all of sync_http", "one of legacy"
# A third one, which sees all: what it has begun and sent is nothing of theirs.
ANOTHER = "all of both"
COVERED = {
    WIDE: {(SYNC_HTTP, FIRST), (SYNC_HTTP, SECOND), (SYNC_HTTP, THIRD)},
    NARROW: {(LEGACY, FIRST)},
}
# Tests come in any order, and one lets an app find a company.
MAY_BE_FOUND = {WIDE: {UNTOLD}, NARROW: set[tuple[str, str]]()}
# Other companies, the other suite, relieved ones, and some that do not exist.
HIDDEN = {
    WIDE: [(LEGACY, FIRST), (LEGACY, SECOND), (LEGACY, THIRD), (LEGACY, NOBODY), (NO_SUITE, FIRST)],
    NARROW: [
        *((LEGACY, SECOND), (LEGACY, THIRD), (LEGACY, NOBODY), (LEGACY, FOURTH)),
        *((SYNC_HTTP, FIRST), (SYNC_HTTP, SECOND), (SYNC_HTTP, THIRD), UNTOLD, (NO_SUITE, NOBODY)),
    ],
}
HIDDEN_SUITES = {WIDE: [LEGACY, "x" * 200], NARROW: [SYNC_HTTP, "%00"]}
# What would give away that the app is not alone.
FOREIGN = {
    WIDE: (LEGACY, "报销助手", NAMES[FOURTH]),
    NARROW: (SYNC_HTTP, "考勤助手", NAMES[SECOND], NAMES[THIRD]),
}
PER_ANSWER = {"date", "x-request-id"}
LIST, DETAIL, TOKEN = "api/v1/tenants", "api/v1/tenants/{}/{}", "api/v1/tenants/{}/{}/access-token"
FEED = "api/v1/events"
EVERY_APP = pytest.mark.parametrize("app", [WIDE, NARROW])


@dataclass
class World:
    """A portal with two suites, the keys of the apps, and what the third of them has sent and begun."""

    stack: Stack
    keys: dict[str, str]
    sent_by_another: str = ""
    session_of_another: str = ""
    state_of_another: str = ""

    def ask(self, app: str, path: str, method: str = "GET", body: bytes = b"") -> requests.Response:
        """Send a request as one of the apps; the path is sent as it is."""
        headers = {"Authorization": f"Bearer {self.keys[app]}", "Accept-Language": "en"}
        if body:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": "the-key-of-all"}
        request = requests.Request(method, self.stack.base_url, headers=headers, data=body).prepare()
        request.url = f"{self.stack.base_url}/{path}"
        with requests.Session() as session:
            return session.send(request, timeout=15)

    def post(self, app: str, path: str, **members: Any) -> requests.Response:
        """Send a JSON object as one of the apps."""
        return self.ask(app, path, "POST", json.dumps(members).encode())

    def pages(self, app: str, **query: Any) -> Iterator[dict[str, Any]]:
        """All pages of a list, two tenants on each."""
        url: str | None = f"{LIST}?{urlencode({'limit': 2, **query})}"
        while url:
            answer = self.ask(app, url.removeprefix(f"{self.stack.base_url}/"))
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield page
            url = page["next"]

    def listed(self, app: str, **query: Any) -> set[tuple[str, str]]:
        """The tenants that a list shows."""
        return {named(row) for page in self.pages(app, **query) for row in page["results"]}


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three companies on both suites, one of them relieved, and one that the portal does not know of."""
    stack = start_stack("embedded", tmp_path_factory.mktemp("isolation"), request)
    try:
        _fill(stack)
        world = World(stack, _make_keys(stack))
        _let_another_app_act(world)
        yield world
    finally:
        stack.stop()


def _fill(stack: Stack) -> None:
    operator = Operator(stack)
    with ThreadPoolExecutor(2) as people:
        list(people.map(operator.register_suite, (SYNC_HTTP, LEGACY)))
    for suite_key in (SYNC_HTTP, LEGACY):
        stack.simulator.push_ticket(suite_key)
        for corp_id in (FIRST, SECOND, THIRD):
            authorised = stack.simulator.act(suite_key, corp_id, "authorize")
            assert authorised["accepted"], authorised
    for suite_key in (SYNC_HTTP, LEGACY):
        for corp_id in (FIRST, SECOND, THIRD):
            eventually(lambda: operator.tenant(suite_key, corp_id, state="active"))  # noqa: B023 - called at once
        stack.simulator.act(suite_key, THIRD, "relieve")
        eventually(lambda: operator.tenant(suite_key, THIRD, state="relieved"))  # noqa: B023 - called at once
    stack.simulator.act(*UNTOLD, "authorize", silent=True)


def _make_keys(stack: Stack) -> dict[str, str]:
    def made(name: str, *coverage: str) -> str:
        may = ("--scope", *Scope.values, "--proxy-path", *PATHS_OF_PROXY)
        return str(stack.manage_json("api_key", "create", name, *may, *coverage)["key"])

    with ThreadPoolExecutor(3) as people:
        another = people.submit(made, ANOTHER, "--suite", SYNC_HTTP, LEGACY)
        wide = people.submit(made, WIDE, "--suite", SYNC_HTTP)
        narrow = people.submit(made, NARROW, "--suite", LEGACY, "--tenant", f"{LEGACY}:{FIRST}")
        return {WIDE: wide.result(), NARROW: narrow.result(), ANOTHER: another.result()}


def _let_another_app_act(world: World) -> None:
    """It sends a notification in a company that is not its alone, logs somebody in, and begins a login."""
    oauth, person = f"api/v1/suites/{SYNC_HTTP}/oauth", (SYNC_HTTP, FIRST, "zhangsan")
    path = f"{DETAIL.format(SYNC_HTTP, FIRST)}/notifications"
    sent = world.post(ANOTHER, path, user_ids=["zhangsan"], message=HELLO)
    assert sent.status_code == 201, sent.text
    code = world.stack.simulator.login_code(*person, kind="web")
    first, second = (
        world.post(ANOTHER, f"{oauth}/login-url", redirect_uri="https://app.example.com/").json()["state"]
        for _ in range(2)
    )
    login = world.post(ANOTHER, f"{oauth}/exchange", code=code, state=first)
    assert login.status_code == 200, login.text
    world.sent_by_another, world.session_of_another = sent.json()["id"], login.json()["session"]
    world.state_of_another = second


def named(row: dict[str, Any]) -> tuple[str, str]:
    """Which tenant a row or an event is of."""
    return row["suite_key"], row["corp_id"]


def seen(answer: requests.Response) -> tuple[int, dict[str, str], str]:
    """An answer without what differs from one to the next."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return (
        answer.status_code,
        {name: value for name, value in headers.items() if name not in PER_ANSWER},
        answer.text,
    )


def calls_of(stack: Stack) -> int:
    """How often DingTalk was called."""
    return len(stack.simulator.calls()["calls"])
