"""
No tenant app sees a company or suite that its key does not cover: every route, asked for everything.

Two suites, companies that authorised one or both, one app for all of a suite and one for one company. The
routes come from the URL table: one without a rule here fails.
"""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests
from django.urls import URLPattern, URLResolver, get_resolver

from tests.journeys.conftest import start_stack
from tests.journeys.operator import SCOPES, Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY, SEED, SYNC_HTTP, Stack

pytestmark = pytest.mark.journey

FIRST, SECOND, THIRD, FOURTH = (company["corp_id"] for company in SEED["companies"])
NAMES = {company["corp_id"]: company["name"] for company in SEED["companies"]}
NOBODY, NO_SUITE = "dingnobody000001", "suitenobody0001"
# Authorised at DingTalk, and the portal was never told.
UNTOLD = (SYNC_HTTP, FOURTH)

WIDE, NARROW = "all of sync_http", "one of legacy"
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
# What would give away that the app is not alone.
FOREIGN = {
    WIDE: (LEGACY, "报销助手", NAMES[FOURTH]),
    NARROW: (SYNC_HTTP, "考勤助手", NAMES[SECOND], NAMES[THIRD]),
}
PER_ANSWER = {"date", "x-request-id"}
LIST, DETAIL, TOKEN = "api/v1/tenants", "api/v1/tenants/{}/{}", "api/v1/tenants/{}/{}/access-token"
FEED = "api/v1/events"
# How each route of the API may be reached: lists, the feed, by the two ids, or by everybody.
ROUTES = {
    "api/v1/tenants": "list",
    "api/v1/tenants/<str:suite_key>/<str:corp_id>": "tenant",
    "api/v1/tenants/<str:suite_key>/<str:corp_id>/access-token": "tenant",
    "api/v1/tenants/<str:suite_key>/<str:corp_id>/agents": "tenant",
    "api/v1/tenants/<str:suite_key>/<str:corp_id>/auth-scope": "tenant",
    "api/v1/tenants/<str:suite_key>/<str:corp_id>/history": "tenant",
    "api/v1/events": "feed",
    "api/schema": "public",
    "api/docs": "public",
}
EVERY_APP = pytest.mark.parametrize("app", [WIDE, NARROW])


@dataclass
class World:
    """A portal with two suites, and the keys of the two apps."""

    stack: Stack
    keys: dict[str, str]

    def ask(self, app: str, path: str, method: str = "GET") -> requests.Response:
        """Send a request as one of the apps; the path is sent as it is."""
        headers = {"Authorization": f"Bearer {self.keys[app]}", "Accept-Language": "en"}
        request = requests.Request(method, self.stack.base_url, headers=headers).prepare()
        request.url = f"{self.stack.base_url}/{path}"
        with requests.Session() as session:
            return session.send(request, timeout=15)

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
        return {_named(row) for page in self.pages(app, **query) for row in page["results"]}


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three companies on both suites, one of them relieved, and one that the portal does not know of."""
    stack = start_stack("embedded", tmp_path_factory.mktemp("isolation"), request)
    try:
        _fill(stack)
        yield World(stack, _make_keys(stack))
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
        scopes = (*SCOPES, "--scope", "events:read")
        return str(stack.manage_json("api_key", "create", name, *scopes, *coverage)["key"])

    with ThreadPoolExecutor(2) as people:
        wide = people.submit(made, WIDE, "--suite", SYNC_HTTP)
        narrow = people.submit(made, NARROW, "--suite", LEGACY, "--tenant", f"{LEGACY}:{FIRST}")
        return {WIDE: wide.result(), NARROW: narrow.result()}


def _named(row: dict[str, Any]) -> tuple[str, str]:
    return row["suite_key"], row["corp_id"]


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _routes(entry, route)


def _seen(answer: requests.Response) -> tuple[int, dict[str, str], str]:
    """An answer without what differs from one to the next."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return (
        answer.status_code,
        {name: value for name, value in headers.items() if name not in PER_ANSWER},
        answer.text,
    )


def _calls(stack: Stack) -> int:
    return len(stack.simulator.calls()["calls"])


def test_every_route_of_the_api_has_a_rule() -> None:
    others = ("callback/", "admin/", "i18n/", "healthz", "readyz")
    routes = [route for route in _routes(get_resolver("isv_portal.urls")) if route]

    assert {route for route in routes if not route.startswith(others)} == set(ROUTES)


@EVERY_APP
def test_an_app_sees_all_that_it_covers(world: World, app: str) -> None:
    assert world.listed(app) - MAY_BE_FOUND[app] == COVERED[app]
    for tenant in COVERED[app]:
        assert _named(world.ask(app, DETAIL.format(*tenant)).json()) == tenant
        token = world.ask(app, TOKEN.format(*tenant))
        is_relieved = tenant[1] == THIRD
        assert (token.status_code, token.json().get("errors", [{}])[0].get("state")) == (
            (409, "relieved") if is_relieved else (200, None)
        )


@EVERY_APP
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind == "tenant"])
def test_what_is_not_covered_looks_like_what_never_was(
    world: World, app: str, method: str, route: str
) -> None:
    path = route.replace("<str:suite_key>", "{}").replace("<str:corp_id>", "{}")
    assert path.count("{}") == 2
    never_was = _seen(world.ask(app, path.format(NO_SUITE, NOBODY), method))
    before = _calls(world.stack)

    for tenant in HIDDEN[app]:
        assert _seen(world.ask(app, path.format(*tenant), method)) == never_was, tenant

    assert never_was[0] == {"GET": 404, "HEAD": 404, "OPTIONS": never_was[0]}.get(method, 405)
    assert _calls(world.stack) == before, "DingTalk is not asked for what is not covered"


@EVERY_APP
def test_no_spelling_of_a_hidden_tenant_finds_it(world: World, app: str) -> None:
    for suite_key, corp_id in HIDDEN[app]:
        spellings = [
            (suite_key.upper(), corp_id),
            (suite_key, corp_id.upper()),
            (f"{suite_key}%20", corp_id),
            (suite_key, f"{corp_id}%00"),
            (f"%{ord(suite_key[0]):x}{suite_key[1:]}", corp_id),
            (quote(chr(ord(suite_key[0]) + 0xFEE0)) + suite_key[1:], corp_id),
            ("%25", corp_id),
            ("*", "*"),
            (f"x/../{suite_key}", corp_id),
            (f"{suite_key},{SYNC_HTTP},{LEGACY}", corp_id),
        ]
        for path in (DETAIL, TOKEN):
            for spelling in spellings:
                answer = world.ask(app, path.format(*spelling))
                assert answer.status_code == 404, (spelling, answer.text)
                assert not [name for name in FOREIGN[app] if name in answer.text]


@EVERY_APP
def test_no_filter_finds_what_is_not_covered(world: World, app: str) -> None:
    everywhere: list[dict[str, str]] = [
        *({"state": state} for state in ("active", "relieved", "authorizing", "failed")),
        *({"suite_key": suite_key} for suite_key in (SYNC_HTTP, LEGACY, NO_SUITE)),
        *({"corp_id": corp_id} for corp_id in (FIRST, SECOND, THIRD, FOURTH, NOBODY)),
        *({"suite_key": suite_key, "corp_id": corp_id} for suite_key, corp_id in HIDDEN[app]),
    ]

    for query in everywhere:
        wanted = {
            tenant
            for tenant in COVERED[app]
            if query.get("suite_key", tenant[0]) == tenant[0]
            and query.get("corp_id", tenant[1]) == tenant[1]
            and query.get("state", _state(tenant)) == _state(tenant)
        }
        assert world.listed(app, **query) - MAY_BE_FOUND[app] == wanted, query


def _state(tenant: tuple[str, str]) -> str:
    return "relieved" if tenant[1] == THIRD else "active"


def _fed(world: World, app: str, after: str = "") -> Iterator[dict[str, Any]]:
    """All events that the feed shows an app after a place, and the place of each."""
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        answer = world.ask(app, f"{FEED}?{urlencode(query)}")
        assert answer.status_code == 200, answer.text
        assert not [foreign for foreign in FOREIGN[app] if foreign in answer.text]
        yield from answer.json()["results"]
        after = answer.json()["next"]
        if not answer.json()["has_more"]:
            return


@EVERY_APP
def test_the_feed_shows_the_events_of_what_is_covered(world: World, app: str) -> None:
    assert {_named(event) for event in _fed(world, app)} == COVERED[app]
    for suite_key, corp_id in HIDDEN[app]:
        query = urlencode({"suite_key": suite_key, "corp_id": corp_id})
        assert world.ask(app, f"{FEED}?{query}").json()["results"] == []


@pytest.mark.parametrize(("app", "other"), [(WIDE, NARROW), (NARROW, WIDE)])
def test_a_place_in_another_apps_feed_opens_nothing(world: World, app: str, other: str) -> None:
    places = [event["cursor"] for event in _fed(world, other)]

    assert places
    for place in places:
        assert {_named(event) for event in _fed(world, app, place)} <= COVERED[app]


@EVERY_APP
@pytest.mark.parametrize(
    "name",
    [
        *("ordering", "order_by", "sort", "search", "q", "fields", "expand", "include", "page", "offset"),
        *("suite__suite_key", "suite_id", "client", "pk", "id", "corp__name__startswith", "tenant", "format"),
        *("permanent_code__startswith", "state__in", "suite_key__in", "corp_id__icontains", "_connector"),
    ],
)
def test_there_is_no_ordering_and_no_other_parameter(world: World, app: str, name: str) -> None:
    answer = world.ask(app, f"{LIST}?{urlencode({name: LEGACY if app == WIDE else SYNC_HTTP})}")

    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["unknown_parameter"]
    assert not [foreign for foreign in FOREIGN[app] if foreign in answer.text]


@pytest.mark.parametrize(("app", "other"), [(WIDE, NARROW), (NARROW, WIDE)])
def test_a_cursor_of_another_app_opens_nothing(world: World, app: str, other: str) -> None:
    ids = _tenant_ids(world.stack)
    cursors = [_cursor(page["next"]) for page in world.pages(other, limit=1) if page["next"]]
    cursors += [_made_cursor(row_id, is_reverse) for row_id in ids.values() for is_reverse in (False, True)]

    assert len(cursors) >= 12
    for cursor in cursors:
        assert world.listed(app, cursor=cursor) <= COVERED[app] | MAY_BE_FOUND[app]
        assert not _gives_away(world, app, cursor)


def _gives_away(world: World, app: str, cursor: str) -> bool:
    """Whether the links of a page name a row that is not covered, other than the one that was asked for."""
    asked_for = base64.b64decode(cursor).decode()
    visible = COVERED[app] | MAY_BE_FOUND[app]
    ids = {row_id for tenant, row_id in _tenant_ids(world.stack).items() if tenant not in visible}
    hidden = {row_id for row_id in ids if row_id not in asked_for}
    page = world.ask(app, f"{LIST}?{urlencode({'limit': 1, 'cursor': cursor})}").json()
    links = [link for link in (page["next"], page["previous"]) if link]
    given = [base64.b64decode(_cursor(link)).decode() for link in links]
    return any(row_id in text for row_id in hidden for text in given)


def _cursor(link: str) -> str:
    return parse_qs(urlsplit(link).query)["cursor"][0]


def _made_cursor(row_id: str, is_reverse: bool) -> str:
    return base64.b64encode(urlencode({"r": int(is_reverse), "p": row_id}).encode()).decode()


_known_ids: dict[str, dict[tuple[str, str], str]] = {}


def _tenant_ids(stack: Stack) -> dict[tuple[str, str], str]:
    """The rows' own ids, which nobody outside knows."""
    if stack.base_url not in _known_ids:
        printed = stack.python(
            "import json; from tenants.models import Tenant; print(json.dumps("
            "[[t.suite.suite_key, t.corp.corp_id, str(t.pk)] for t in Tenant.objects.all()]))"
        )
        rows = json.loads(printed)
        _known_ids[stack.base_url] = {(suite_key, corp_id): row_id for suite_key, corp_id, row_id in rows}
    return _known_ids[stack.base_url]


@EVERY_APP
def test_no_error_names_what_the_app_did_not_ask_for(world: World, app: str) -> None:
    asked: list[str] = [
        *(
            f"{LIST}?{query}"
            for query in ("limit=0", "limit=9999999999", "cursor=%00", "state=odd", "a=1&a=2")
        ),
        *(
            f"{TOKEN.format(*next(iter(COVERED[app])))}?{query}"
            for query in ("min_ttl=x", "min_ttl=9", "x=1")
        ),
        *(DETAIL.format(*tenant) for tenant in (("%ff", "%fe"), ("x" * 300, "y" * 300))),
        *("api/v1/", "api/v1/suites", "api/v1/tenants/", "api/v2/tenants", "api/v1/audit", "api/v1/events"),
    ]

    for path in asked:
        answer = world.ask(app, path)
        assert not [foreign for foreign in FOREIGN[app] if foreign in answer.text], path


def test_a_company_that_was_never_told_of_is_found_by_the_app_that_covers_its_suite_only(
    world: World,
) -> None:
    before = _calls(world.stack)
    hidden = world.ask(NARROW, TOKEN.format(*UNTOLD))
    assert (hidden.status_code, _calls(world.stack)) == (404, before)
    assert world.ask(WIDE, DETAIL.format(*UNTOLD)).status_code == 404

    eventually(lambda: world.ask(WIDE, TOKEN.format(*UNTOLD)).status_code == 200)
    assert world.ask(NARROW, TOKEN.format(*UNTOLD)).text == hidden.text
    assert UNTOLD in world.listed(WIDE)
    assert world.listed(NARROW) == COVERED[NARROW]
