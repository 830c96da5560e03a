"""Calls in a tenant's name while an app waits: renewed once, bounded, and none for who is relieved."""

from collections.abc import Callable

import pytest

from dingtalk.client import dingtalk_client
from dingtalk.protocol.errors import ApiError, CredentialRejected, TransportError
from tenants.calling import call_as_tenant, find_active_tenant
from tenants.errors import TenantNotActive, TenantNotFound, TokenUnavailable
from tenants.models import AccessToken, ApiClient, Tenant
from tenants.waiting_room import WAITING_ROOM, count_seats
from tests.support.onboarding import (
    AUTH_SCOPES,
    CORP_TOKEN,
    before_answer,
    grant_arrives,
    reconciled,
    withdrawal_arrives,
)
from tests.support.upstream import CORP_ID, SUITE_KEY, suite, upstream

__all__ = ["suite", "upstream"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(upstream, suite) -> Tenant:
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    assert tenant.is_active
    return tenant


@pytest.fixture
def asked(upstream, tenant) -> Callable[[], tuple[int, int]]:
    """How often scopes and tokens were asked for since the tenant became active."""
    before = upstream.count(AUTH_SCOPES), upstream.count(CORP_TOKEN)
    return lambda: (upstream.count(AUTH_SCOPES) - before[0], upstream.count(CORP_TOKEN) - before[1])


def get_scopes(token: str) -> object:
    return dingtalk_client().get_auth_scopes(corp_access_token=token)


def test_a_call_is_made_once_with_the_tenants_token(tenant, asked):
    assert call_as_tenant(tenant, get_scopes)["dept_ids"] == [1]

    assert asked() == (1, 0)


def test_a_refused_token_is_renewed_and_the_call_repeated(upstream, tenant, asked):
    upstream.remote._call("POST", "/_sim/tokens/expire", {"corp_id": CORP_ID})

    assert call_as_tenant(tenant, get_scopes)["dept_ids"] == [1]

    assert asked() == (2, 1)


def test_it_is_repeated_once_and_no_more(upstream, tenant, asked):
    upstream.fault(AUTH_SCOPES, "errcode", code=40014, count=None)

    with pytest.raises(CredentialRejected):
        call_as_tenant(tenant, get_scopes)

    assert asked() == (2, 1)


@pytest.mark.parametrize("code", [60011, -1, 40082])
def test_another_refusal_is_the_callers_and_renews_nothing(upstream, tenant, asked, code):
    upstream.fault(AUTH_SCOPES, "errcode", code=code)

    with pytest.raises(ApiError):
        call_as_tenant(tenant, get_scopes)

    assert asked() == (1, 0)


def test_no_answer_is_not_repeated(upstream, tenant, asked):
    upstream.fault(AUTH_SCOPES, "http_500")

    with pytest.raises(TransportError):
        call_as_tenant(tenant, get_scopes)

    assert asked() == (1, 0)


def test_a_relieved_tenant_gets_no_call(suite, tenant, asked):
    withdrawal_arrives(suite)

    with pytest.raises(TenantNotActive):
        call_as_tenant(tenant, get_scopes)

    assert asked() == (0, 0)


def test_one_that_is_relieved_while_the_call_is_refused_gets_no_second_one(
    upstream, suite, tenant, asked, monkeypatch
):
    upstream.fault(AUTH_SCOPES, "errcode", code=40014)
    before_answer(monkeypatch, "get_auth_scopes", lambda: withdrawal_arrives(suite))

    with pytest.raises(TenantNotActive):
        call_as_tenant(tenant, get_scopes)

    assert asked() == (1, 0)
    assert not AccessToken.objects.filter(token__isnull=False, tenant=tenant).exists()


def test_too_many_waiters_are_sent_away_without_a_call(tenant, asked):
    places = [WAITING_ROOM.place() for _ in range(count_seats())]
    for place in places:
        place.__enter__()
    try:
        with pytest.raises(TokenUnavailable) as refusal:
            call_as_tenant(tenant, get_scopes)
    finally:
        for place in places:
            place.__exit__(None, None, None)

    assert refusal.value.retry_after_seconds == 1
    assert asked() == (0, 0)
    assert call_as_tenant(tenant, get_scopes)


def test_a_place_is_free_again_after_a_call_that_failed(upstream, tenant):
    upstream.fault(AUTH_SCOPES, "errcode", code=60011, count=count_seats())
    for _ in range(count_seats()):
        with pytest.raises(ApiError):
            call_as_tenant(tenant, get_scopes)

    assert call_as_tenant(tenant, get_scopes)


class TestFinding:
    """Which tenant an app means."""

    @pytest.fixture
    def client(self, suite) -> ApiClient:
        client = ApiClient.objects.create(name="考勤后台", scopes=[])
        client.suites.add(suite)
        return client

    def find(self, client: ApiClient, suite_key: str = SUITE_KEY, corp_id: str = CORP_ID) -> Tenant:
        return find_active_tenant(client, suite_key=suite_key, corp_id=corp_id)

    def test_an_active_one_that_it_covers_is_found_by_one_query(
        self, client, tenant, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(1):
            found = self.find(client)
            assert (found, found.suite.suite_key, found.corp.corp_id) == (tenant, SUITE_KEY, CORP_ID)

    def test_another_one_or_one_that_it_does_not_cover_is_not(self, client, tenant):
        others = ({"suite_key": "other"}, {"corp_id": "other"}, {"corp_id": "a\0"}, {"suite_key": ""})
        for other in others:
            with pytest.raises(TenantNotFound):
                self.find(client, **other)

        client.suites.clear()
        with pytest.raises(TenantNotFound):
            self.find(client)

    def test_one_that_is_not_active_says_its_state(self, client, suite, tenant):
        withdrawal_arrives(suite)

        with pytest.raises(TenantNotActive) as refusal:
            self.find(client)

        assert refusal.value.state == "relieved"
