"""Every route while an operator takes away what a key covers: from then on nothing is there for it."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from tenants.models import ApiClient, ApiKey, Scope, Tenant, TenantState
from tests.support.api_routes import PATHS_OF_PROXY, ROUTES, Reach, rules
from tests.support.tenant_calls import (
    CORP_ID,
    SUITE_KEY,
    hidden_tenants,
    other_suite,
    platform,
    simulator,
    suite,
    tenant,
)
from tests.tenants.api.conftest import App, _fresh_limits, code_of, make_app

__all__ = [
    "_fresh_limits",
    "hidden_tenants",
    "make_app",
    "other_suite",
    "platform",
    "simulator",
    "suite",
    "tenant",
]
pytestmark = pytest.mark.django_db

PER_ANSWER = {"Date", "X-Request-ID"}
# The journeys try all methods.
METHODS = ("GET", "POST")
OF_TENANTS, OF_ALL = rules(Reach.TENANT), rules(Reach.TENANT, Reach.SUITE)


def ask(app: App, route: str, method: str, **ids: str) -> HttpResponse:
    rule = ROUTES[route]
    program = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    headers = {"Authorization": f"Bearer {app.text}", "Idempotency-Key": "a-key"}
    path = f"/{rule.path(route, **{'suite_key': SUITE_KEY, 'corp_id': CORP_ID, **ids})}"
    return program.generic(method, path, rule.body(method), "application/json", headers=headers)


def seen(answer: HttpResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in PER_ANSWER}
    return answer.status_code, headers, answer.content


def lose_suite(client: ApiClient, tenant: Tenant) -> None:
    """The suite is taken away; the names of its tenants stay."""
    client.suites.clear()


def lose_tenant(client: ApiClient, tenant: Tenant) -> None:
    """The one tenant is taken away, and the suite stays."""
    client.tenants.clear()


@pytest.mark.parametrize("take_away", [lose_suite, lose_tenant])
def test_what_was_covered_a_moment_ago_looks_like_what_never_was(
    make_app, platform, tenant, hidden_tenants, take_away
):
    app = make_app(scopes=tuple(Scope), tenants=[tenant], proxy_paths=PATHS_OF_PROXY)
    assert ask(app, OF_TENANTS[0], "GET").status_code == 200
    take_away(app.client, tenant)
    routes = OF_ALL if take_away is lose_suite else OF_TENANTS
    before = len(platform.remote.calls()["calls"])

    for route in routes:
        for method in ROUTES[route].methods(*METHODS):
            never_was = ask(app, route, method, suite_key="nosuchsuite", corp_id="dingnobody")
            assert seen(ask(app, route, method)) == seen(never_was), (method, route)
            assert never_was.status_code == 404

    assert len(platform.remote.calls()["calls"]) == before


def disable(key: ApiKey) -> None:
    ApiClient.objects.filter(pk=key.client_id).update(is_enabled=False)


def forget_scopes(key: ApiKey) -> None:
    ApiClient.objects.filter(pk=key.client_id).update(scopes=[])


@pytest.mark.parametrize(
    ("change", "refusal"), [(disable, (401, "client_disabled")), (forget_scopes, (403, "insufficient_scope"))]
)
def test_who_may_nothing_any_more_is_told_the_same_of_all(
    make_app, platform, tenant, change: Callable[[ApiKey], None], refusal
):
    app = make_app(scopes=tuple(Scope), proxy_paths=PATHS_OF_PROXY)
    change(app.key)
    before = len(platform.remote.calls()["calls"])

    for route in OF_ALL:
        for method in ROUTES[route].methods(*METHODS):
            cache.clear()
            answer = ask(app, route, method)
            assert (answer.status_code, code_of(answer)) == refusal, (method, route)

    assert len(platform.remote.calls()["calls"]) == before


def test_nothing_is_asked_of_dingtalk_for_a_company_that_has_withdrawn(make_app, platform, tenant):
    Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None)
    app = make_app(scopes=tuple(Scope), proxy_paths=PATHS_OF_PROXY)
    before = len(platform.remote.calls()["calls"])

    statuses = {
        (method, route): ask(app, route, method).status_code
        for route in OF_TENANTS
        for method in ROUTES[route].methods(*METHODS)
    }

    assert len(platform.remote.calls()["calls"]) == before
    reading = ("", "/agents", "/auth-scope", "/history", "/notifications")
    shown = {route for (_method, route), status in statuses.items() if status == 200}
    assert shown == {f"{OF_TENANTS[0]}{each}" for each in reading}
    # The send log has no such entry; all the rest is refused for the company's state.
    assert set(statuses.values()) == {200, 404, 409}
    assert {route for (_method, route), status in statuses.items() if status == 404} == {
        f"{OF_TENANTS[0]}/notifications/<str:notification_id>"
    }
