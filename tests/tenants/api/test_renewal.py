"""Having a token renewed that DingTalk refuses: only the current one, and only for who may."""

import json
import logging
from typing import Any

import pytest
import responses
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from dingtalk.foundation.models import AuditEntry
from dingtalk.models import SuiteTicket
from tenants.models import Scope, TenantState
from tests.tenants.api.conftest import TOKEN, App, code_of, token_url

CORP_ID = "dingcorp0001"
V1_TOKEN_URL = "https://api.dingtalk.com/v1.0/oauth2/corpAccessToken"
NEXT_TOKEN = "corp-access-token-after-the-renewal"

pytestmark = pytest.mark.django_db


@pytest.fixture
def dingtalk(suite):
    """DingTalk at the other end of the wire, with the next token."""
    now = timezone.now()
    SuiteTicket.objects.create(
        suite=suite, ticket="ticket-0123456789", digest="0" * 64, platform_time=now, received_at=now
    )
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.post(V1_TOKEN_URL, json={"accessToken": NEXT_TOKEN, "expireIn": 7200})
        yield wire


@pytest.fixture
def app(make_app) -> App:
    return make_app(scopes=(Scope.TOKENS_RENEW,))


def renew(app: App, refused: Any = TOKEN, corp_id: str = CORP_ID, **members: Any) -> HttpResponse:
    program = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    return program.post(
        f"{token_url(corp_id)}/renew",
        {"refused": refused, **members},
        content_type="application/json",
        headers={"Authorization": f"Bearer {app.text}"},
    )


def test_the_current_token_is_renewed(app, make_tenant, dingtalk):
    make_tenant(CORP_ID)

    answer = renew(app)

    body = answer.json()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert set(body) == {"suite_key", "corp_id", "access_token", "expires_at", "expires_in"}
    assert body["access_token"] == NEXT_TOKEN


def test_of_many_that_were_refused_at_once_only_the_first_has_it_renewed(app, make_tenant, dingtalk):
    make_tenant(CORP_ID)

    answers = [renew(app) for _ in range(5)]

    assert {answer.json()["access_token"] for answer in answers} == {NEXT_TOKEN}
    assert len(dingtalk.calls) == 1


@pytest.mark.parametrize("refused", ["another-token", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper()])
def test_a_token_that_is_not_the_current_one_renews_nothing(app, make_tenant, dingtalk, refused):
    make_tenant(CORP_ID)

    assert renew(app, refused).json()["access_token"] == TOKEN
    assert len(dingtalk.calls) == 0


def test_min_ttl_counts_for_the_one_that_is_answered(app, make_tenant, dingtalk):
    make_tenant(CORP_ID)

    assert renew(app, "another-token", min_ttl=3600).json()["access_token"] == TOKEN
    answer = renew(app, min_ttl=3601)
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "min_ttl")


@pytest.mark.parametrize("refused", ["", None, "two words", "钥匙", "t\n", "\0", "t" * 2049, ["t"], {"a": 1}])
def test_what_can_be_no_token_is_a_400_and_renews_nothing(app, make_tenant, dingtalk, refused):
    make_tenant(CORP_ID)

    answer = renew(app, refused)

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "refused")
    assert len(dingtalk.calls) == 0


def test_reading_tokens_does_not_allow_to_renew_them(make_app, make_tenant, dingtalk):
    make_tenant(CORP_ID)

    answer = renew(make_app(scopes=(Scope.TOKENS_READ,)))

    assert (answer.status_code, code_of(answer)) == (403, "insufficient_scope")
    assert len(dingtalk.calls) == 0


@pytest.mark.parametrize("corp_id", ["dingcorp0002", "dingnobody", "ding%00"])
def test_a_tenant_that_the_key_does_not_cover_is_not_there(make_app, make_tenant, dingtalk, corp_id):
    make_tenant("dingcorp0002")
    narrow = make_app(scopes=(Scope.TOKENS_RENEW,), tenants=[make_tenant(CORP_ID)])

    answer = renew(narrow, corp_id=corp_id)

    assert (answer.status_code, code_of(answer)) == (404, "tenant_not_found")
    assert len(dingtalk.calls) == 0


def test_a_tenant_that_is_not_active_gets_none(app, make_tenant, dingtalk):
    make_tenant(CORP_ID, state=TenantState.RELIEVED)

    answer = renew(app)

    assert (answer.status_code, code_of(answer)) == (409, "tenant_not_active")
    assert len(dingtalk.calls) == 0


def test_it_is_audited_and_no_token_is_in_logs_or_the_trail(app, make_tenant, dingtalk, caplog):
    tenant = make_tenant(CORP_ID)
    caplog.set_level(logging.DEBUG)

    renew(app)

    [entry] = AuditEntry.objects.filter(action="access_token.renew")
    assert (entry.actor, entry.object_id) == ("考勤后台", str(tenant.pk))
    kept = caplog.text + repr([vars(record) for record in caplog.records])
    kept += json.dumps([str(row) for row in AuditEntry.objects.values_list()])
    assert TOKEN not in kept
    assert NEXT_TOKEN not in kept
