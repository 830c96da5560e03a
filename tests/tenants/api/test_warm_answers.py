"""The short way to a token says the same as the view, and says nothing where the view says no."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from tenants import api_keys
from tenants.models import AccessToken, ApiClient, ApiKey, Scope, Tenant, TenantState
from tenants.queries import visible_tenants
from tenants.warm_tokens import find_warm_token
from tests.tenants.api.conftest import OPERATOR, TOKEN, App, call, code_of, store_token, token_url

CORP_ID = "dingcorp0001"
# The view takes it, the short way does not.
BY_THE_VIEW = {"Accept": "application/json;q=0.9"}
# They speak of the language of the answer, and this one has none.
OF_LANGUAGE = {"Content-Language", "Vary"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def queries(django_assert_max_num_queries):
    """How many queries a request costs: one by the short way, more by the view."""

    def _queries(request: Callable[[], HttpResponse]) -> int:
        with django_assert_max_num_queries(99) as captured:
            request()
        return len(captured)

    return _queries


def header_values(answer: HttpResponse) -> dict[str, str]:
    """All headers that both ways have; only that there is a request id counts, not which."""
    return {
        name: "" if name == "X-Request-ID" else value
        for name, value in answer.headers.items()
        if name not in OF_LANGUAGE
    }


def test_both_ways_give_the_same_answer(app, make_tenant, queries, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    make_tenant(CORP_ID)
    app.get(token_url(CORP_ID))

    short, whole = app.get(token_url(CORP_ID)), app.get(token_url(CORP_ID), **BY_THE_VIEW)

    assert queries(lambda: app.get(token_url(CORP_ID))) == 1
    assert queries(lambda: app.get(token_url(CORP_ID), **BY_THE_VIEW)) == 2
    assert short.status_code == whole.status_code == 200
    assert short.content == whole.content
    assert header_values(short) == header_values(whole)
    assert short["X-Request-ID"] != whole["X-Request-ID"]


@pytest.mark.parametrize("min_ttl", [None, "0", "60", "3600"])
def test_the_plain_requests_of_apps_go_the_short_way(app, make_tenant, queries, min_ttl):
    make_tenant(CORP_ID)
    query = None if min_ttl is None else {"min_ttl": min_ttl}
    app.get(token_url(CORP_ID), query)

    assert queries(lambda: app.get(token_url(CORP_ID), query)) == 1


def revoked(app: App, _tenant: Tenant) -> None:
    api_keys.revoke_key(app.key, now=timezone.now(), actor=OPERATOR)


def expired(app: App, _tenant: Tenant) -> None:
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def disabled(app: App, _tenant: Tenant) -> None:
    ApiClient.objects.update(is_enabled=False)


def without_scope(app: App, _tenant: Tenant) -> None:
    ApiClient.objects.update(scopes=[Scope.TENANTS_READ])


def without_suite(app: App, _tenant: Tenant) -> None:
    app.client.suites.clear()


def narrowed(app: App, _tenant: Tenant) -> None:
    ApiClient.objects.update(covers_all_tenants=False)


def relieved(_app: App, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(state=TenantState.RELIEVED, permanent_code=None)


def stopped(_app: App, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(state=TenantState.STOPPED)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (revoked, 401, "key_revoked"),
        (expired, 401, "key_expired"),
        (disabled, 401, "client_disabled"),
        (without_scope, 403, "insufficient_scope"),
        (without_suite, 404, "tenant_not_found"),
        (narrowed, 404, "tenant_not_found"),
        (relieved, 409, "tenant_not_active"),
        (stopped, 409, "tenant_not_active"),
    ],
)
def test_what_a_commit_takes_away_is_gone_for_the_next_request(app, make_tenant, change, status, code):
    tenant = make_tenant(CORP_ID)
    assert app.get(token_url(CORP_ID)).json()["access_token"] == TOKEN

    change(app, tenant)

    answer = app.get(token_url(CORP_ID))
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert TOKEN not in answer.content.decode()


def test_a_wrong_secret_with_a_right_prefix_gets_nothing(app, make_tenant):
    make_tenant(CORP_ID)
    prefix, secret = app.text.rsplit("_", 1)[0], app.text.rsplit("_", 1)[1]
    wrong = f"{prefix}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}"

    answer = call(token_url(CORP_ID), Authorization=f"Bearer {wrong}")

    assert (answer.status_code, code_of(answer)) == (401, "authentication_failed")


def test_the_statement_covers_what_visible_tenants_covers(make_tenant, make_app, suite, other_suite):
    named = make_tenant("dingcorp0001")
    tenants = [named, make_tenant("dingcorp0002"), make_tenant("dingcorp0001", on=other_suite)]
    apps = [
        make_app("all of one"),
        make_app("all of both", suites=[suite, other_suite]),
        make_app("one of one", tenants=[named]),
        make_app("of the other", suites=[other_suite]),
        make_app("named, but of no suite of its own", suites=[other_suite], tenants=[tenants[2]]),
    ]
    apps[-1].client.tenants.add(named)

    for app in apps:
        for tenant in tenants:
            found = find_warm_token(
                api_keys.read_shown_key(app.text),
                suite_key=tenant.suite.suite_key,
                corp_id=tenant.corp.corp_id,
                min_ttl_seconds=60,
                now=timezone.now(),
            )
            is_visible = visible_tenants(app.client).filter(pk=tenant.pk).exists()
            assert (found is not None) == is_visible, (app.client.name, tenant.corp.corp_id)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Accept": "text/html"},
    ],
)
def test_what_is_refused_otherwise_is_refused_here(app, make_tenant, headers):
    make_tenant(CORP_ID)

    answer = app.get(token_url(CORP_ID), **headers)

    assert answer.status_code in (400, 406)
    assert TOKEN not in answer.content.decode()


def test_one_key_gets_so_many_tokens_a_minute_and_no_more(app, make_tenant, settings, time_machine):
    time_machine.move_to("2026-11-20T09:00:00Z", tick=False)
    make_tenant(CORP_ID)
    settings.API_REQUESTS_PER_MINUTE = 3

    answers = [app.get(token_url(CORP_ID)) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1]["Retry-After"] == "60"


def test_use_is_noted_so_that_the_token_is_renewed_ahead(app, make_tenant):
    tenant = make_tenant(CORP_ID)
    AccessToken.objects.filter(tenant=tenant).update(refresh_at=timezone.now() - timedelta(seconds=1))

    app.get(token_url(CORP_ID))

    row = AccessToken.objects.get(tenant=tenant)
    assert row.last_used_at is not None
    assert row.renewal_requested_at is not None
    assert ApiKey.objects.get().last_used_at is not None


def test_a_token_that_does_not_decrypt_is_handed_out_by_nobody(app, make_tenant):
    one, other = make_tenant(CORP_ID), make_tenant("dingcorp0002")
    stolen = AccessToken.objects.filter(tenant=other).values_list("token", flat=True).get()
    AccessToken.objects.filter(tenant=one).update(token=stolen)

    answer = app.get(token_url(CORP_ID))

    assert answer.status_code == 500
    assert TOKEN not in answer.content.decode()


def test_the_log_line_names_who_got_which_token_by_which_request(app, make_tenant, caplog):
    make_tenant(CORP_ID)
    caplog.set_level(logging.INFO)

    answer = app.get(token_url(CORP_ID))

    [line] = [record for record in caplog.records if record.getMessage() == "A tenant app got a token"]
    said = vars(line)
    assert {
        name: said[name] for name in ("suite_key", "corp_id", "api_client", "key_prefix", "ip", "code")
    } == {
        "suite_key": "suitekey0001",
        "corp_id": CORP_ID,
        "api_client": app.client.name,
        "key_prefix": app.key.prefix,
        "ip": "127.0.0.1",
        "code": 200,
    }
    assert said["request_id"] == answer["X-Request-ID"]
    assert TOKEN not in json.dumps({name: str(value) for name, value in said.items()})


@pytest.mark.django_db(transaction=True)
def test_when_the_kept_connection_has_died_the_token_comes_by_a_new_one(app, make_tenant):
    make_tenant(CORP_ID)
    app.get(token_url(CORP_ID))
    if connection.vendor == "postgresql":
        connection.connection.close()

    assert app.get(token_url(CORP_ID)).json()["access_token"] == TOKEN


def test_a_token_that_ends_too_soon_is_left_to_the_view(app, make_tenant):
    tenant = make_tenant(CORP_ID, state=TenantState.STOPPED)
    Tenant.objects.update(state=TenantState.ACTIVE)
    store_token(tenant, seconds=30)

    answer = app.get(token_url(CORP_ID))

    # There is no ticket in this test, so nothing can be renewed.
    assert (answer.status_code, code_of(answer)) == (503, "token_unavailable")
