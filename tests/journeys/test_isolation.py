"""
No tenant app sees a company or suite that its key does not cover: every route, asked for everything.

Two suites, companies that authorised one or both, one app for all of a suite and one for one company. The
routes come from the URL table: one without a rule fails.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.journeys.isolation_world import (
    ANOTHER,
    COVERED,
    DETAIL,
    EVERY_APP,
    FEED,
    FIRST,
    FOREIGN,
    FOURTH,
    HIDDEN,
    HIDDEN_SUITES,
    LIST,
    MAY_BE_FOUND,
    NARROW,
    NO_SUITE,
    NOBODY,
    SECOND,
    THIRD,
    TOKEN,
    UNTOLD,
    WIDE,
    World,
    calls_of,
    named,
    seen,
    world,
)
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY, SYNC_HTTP, Stack
from tests.support.api_routes import HELLO, NO_ID, ONE_NOTIFICATION, ROUTES, Reach, routes_of_the_api, rules

__all__ = ["world"]
pytestmark = pytest.mark.journey


def test_every_route_of_the_api_has_a_rule() -> None:
    assert routes_of_the_api() == set(ROUTES)


@EVERY_APP
def test_an_app_sees_all_that_it_covers(world: World, app: str) -> None:
    assert world.listed(app) - MAY_BE_FOUND[app] == COVERED[app]
    for tenant in COVERED[app]:
        assert named(world.ask(app, DETAIL.format(*tenant)).json()) == tenant
        token = world.ask(app, TOKEN.format(*tenant))
        is_relieved = tenant[1] == THIRD
        assert (token.status_code, token.json().get("errors", [{}])[0].get("state")) == (
            (409, "relieved") if is_relieved else (200, None)
        )


@EVERY_APP
@pytest.mark.parametrize("route", rules(Reach.TENANT, Reach.SUITE))
def test_what_is_not_covered_looks_like_what_never_was(world: World, app: str, route: str) -> None:
    rule = ROUTES[route]
    hidden = {rule.path(route, suite_key=suite_key, corp_id=corp_id) for suite_key, corp_id in HIDDEN[app]}
    if rule.reach is Reach.SUITE:
        hidden = {rule.path(route, suite_key=suite_key) for suite_key in HIDDEN_SUITES[app]}
    before = calls_of(world.stack)

    for method in (*rule.sent, "OPTIONS", "TRACE"):
        body, nobody = rule.body(method), rule.path(route, suite_key=NO_SUITE, corp_id=NOBODY)
        never_was = seen(world.ask(app, nobody, method, body))
        assert never_was[0] in ((404,) if method in rule.sent else (200, 405))
        for path in hidden:
            assert seen(world.ask(app, path, method, body)) == never_was, (method, path)

    assert calls_of(world.stack) == before, "DingTalk is not asked for what is not covered"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith(ONE_NOTIFICATION)])
def test_a_notification_of_another_app_looks_like_none(world: World, route: str) -> None:
    rule = ROUTES[route]
    tenant = {"suite_key": SYNC_HTTP, "corp_id": FIRST}
    before = calls_of(world.stack)

    for method in rule.sent:
        paths = [rule.path(route, **tenant, notification_id=each) for each in (NO_ID, world.sent_by_another)]
        never_was, others = (world.ask(WIDE, path, method, rule.body(method)) for path in paths)
        assert seen(others) == seen(never_was)
        assert never_was.status_code == 404

    assert calls_of(world.stack) == before


def test_nothing_of_another_app_is_in_the_send_log_and_its_idempotency_keys_are_free(world: World) -> None:
    path = f"{DETAIL.format(SYNC_HTTP, FIRST)}/notifications"
    assert world.sent_by_another not in world.ask(WIDE, path).text

    sent = world.post(WIDE, path, user_ids=["lisi"], message=HELLO)

    assert sent.status_code == 201, sent.text
    assert sent.json()["id"] != world.sent_by_another
    assert "Idempotency-Replayed" not in sent.headers


def test_a_session_and_a_state_of_another_app_look_like_none(world: World) -> None:
    oauth = f"api/v1/suites/{SYNC_HTTP}/oauth"
    code = world.stack.simulator.login_code(SYNC_HTTP, FIRST, "zhangsan", kind="web")
    sessions = [{"session": session} for session in (NO_ID, world.session_of_another)]
    states = [{"code": code, "state": state} for state in ("nobodys-state", world.state_of_another)]

    for path, bodies in ((f"{oauth}/refresh", sessions), (f"{oauth}/exchange", states)):
        never_was, others = (world.post(WIDE, path, **body) for body in bodies)
        assert seen(others) == seen(never_was)
        assert others.status_code in (400, 403)

    is_left = world.post(ANOTHER, f"{oauth}/exchange", **states[1])
    assert is_left.status_code == 200, "neither the code nor the state was used up"
    assert world.post(ANOTHER, f"{oauth}/refresh", **sessions[1]).status_code == 200


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
    assert {named(event) for event in _fed(world, app)} == COVERED[app]
    for suite_key, corp_id in HIDDEN[app]:
        query = urlencode({"suite_key": suite_key, "corp_id": corp_id})
        assert world.ask(app, f"{FEED}?{query}").json()["results"] == []


@pytest.mark.parametrize(("app", "other"), [(WIDE, NARROW), (NARROW, WIDE)])
def test_a_place_in_another_apps_feed_opens_nothing(world: World, app: str, other: str) -> None:
    places = [event["cursor"] for event in _fed(world, other)]

    assert places
    for place in places:
        assert {named(event) for event in _fed(world, app, place)} <= COVERED[app]


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
    before = calls_of(world.stack)
    hidden = world.ask(NARROW, TOKEN.format(*UNTOLD))
    assert (hidden.status_code, calls_of(world.stack)) == (404, before)
    assert world.ask(WIDE, DETAIL.format(*UNTOLD)).status_code == 404

    eventually(lambda: world.ask(WIDE, TOKEN.format(*UNTOLD)).status_code == 200)
    assert world.ask(NARROW, TOKEN.format(*UNTOLD)).text == hidden.text
    assert UNTOLD in world.listed(WIDE)
    assert world.listed(NARROW) == COVERED[NARROW]
