"""Every endpoint refuses every bad key in the same way, and no key reaches a log."""

import logging
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from tenants import api_keys
from tenants.api.throttling import FAILED_AUTHENTICATIONS_PER_MINUTE
from tenants.models import ApiClient
from tests.tenants.api.conftest import LIST_URL, OPERATOR, App, call, code_of, detail_url, token_url

CORP_ID = "dingcorp0001"
ENDPOINTS = [LIST_URL, detail_url(CORP_ID), token_url(CORP_ID)]
ENDPOINT_NAMES = ["list", "detail", "access-token"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _tenant(make_tenant) -> None:
    make_tenant(CORP_ID)


@pytest.fixture(params=ENDPOINTS, ids=ENDPOINT_NAMES)
def url(request) -> str:
    return request.param


def revoke(app: App) -> None:
    api_keys.revoke_key(app.key, now=timezone.now(), actor=OPERATOR)


def expire(app: App) -> None:
    app.key.expires_at = timezone.now() - timedelta(seconds=1)
    app.key.save()


def disable(app: App) -> None:
    ApiClient.objects.filter(pk=app.client.pk).update(is_enabled=False)


def test_the_right_key_gets_in(app, url):
    assert app.get(url).status_code == 200


def test_without_a_key_the_answer_is_401_and_says_how(url):
    answer = call(url)

    assert (answer.status_code, code_of(answer)) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic bGk6bGVp",
        "isv_{rest}",
        "Token {key}",
    ],
)
def test_what_is_no_bearer_key_counts_as_none(app, url, header):
    shown = header.format(key=app.text, rest=app.text.removeprefix("isv_"))

    assert code_of(call(url, Authorization=shown)) == "not_authenticated"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer {key}x",
        "Bearer {key} {key}",
        "Bearer {key},",
        "Bearer é{key}",
    ],
)
def test_a_broken_key_is_refused(app, url, header):
    answer = call(url, Authorization=header.format(key=app.text))

    assert (answer.status_code, code_of(answer)) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("place", ["access_token", "api_key", "key", "token"])
def test_a_key_in_the_url_is_not_looked_at(app, url, place):
    answer = call(url, {place: app.text})

    assert code_of(answer) == "not_authenticated"
    assert app.text not in answer.content.decode()


@pytest.mark.parametrize(
    ("end", "code"),
    [(revoke, "key_revoked"), (expire, "key_expired"), (disable, "client_disabled")],
    ids=["revoked", "expired", "disabled"],
)
def test_a_key_that_is_no_longer_good_is_refused_and_told_why(app, url, end, code):
    end(app)

    answer = app.get(url)

    assert (answer.status_code, code_of(answer)) == (401, code)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_written_in_any_case(app, url, scheme):
    assert call(url, Authorization=f"{scheme} {app.text}").status_code == 200


def test_after_ten_failures_a_minute_a_source_gets_429(app):
    answers = [
        call(LIST_URL, Authorization="Bearer wrong") for _ in range(FAILED_AUTHENTICATIONS_PER_MINUTE + 1)
    ]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert code_of(answers[-1]) == "throttled"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_a_right_key_still_gets_in_from_a_source_with_failures(app):
    for _ in range(FAILED_AUTHENTICATIONS_PER_MINUTE + 5):
        call(LIST_URL, Authorization="Bearer wrong")

    assert app.get(LIST_URL).status_code == 200


def test_one_key_makes_so_many_requests_a_minute_and_no_more(app, make_app, settings, time_machine):
    time_machine.move_to("2026-11-20T09:00:00Z", tick=False)
    settings.API_REQUESTS_PER_MINUTE = 3

    answers = [app.get(LIST_URL) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert make_app("报销后台").get(LIST_URL).status_code == 200
    time_machine.shift(60)
    assert app.get(LIST_URL).status_code == 200


def test_without_a_limit_nothing_is_counted(app, settings):
    settings.API_REQUESTS_PER_MINUTE = 0

    app.get(LIST_URL)

    assert not any("requests:" in name for name in cache._cache)


def test_neither_a_good_nor_a_bad_key_reaches_a_log(app, caplog, url):
    caplog.set_level(logging.DEBUG)
    wrong = app.text[:-3] + "abc"

    app.get(url)
    call(url, Authorization=f"Bearer {wrong}")
    call(url, {"key": app.text})

    for text in (app.text, wrong):
        assert text.split("_", 2)[2] not in caplog.text + repr([vars(record) for record in caplog.records])
    assert "An API key was refused" in caplog.text
