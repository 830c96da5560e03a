"""A tenant's JSAPI ticket: asked for once, prolonged, not used beyond its day, gone with the grant."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from dingtalk.models import Generation
from tenants.errors import TenantNotActive, TokenUnavailable
from tenants.jsapi.tickets import get_jsapi_ticket
from tenants.models import AccessToken, Tenant, TokenKind
from tenants.tokens import renew_requested_token
from tenants.waiting_room import WAITING_ROOM, count_seats
from tenants.waking import request_token_renewal
from tests.support.onboarding import CORP_TOKEN, before_answer, grant_arrives, reconciled, withdrawal_arrives

pytestmark = pytest.mark.django_db

V1, OLD = "/v1.0/oauth2/jsapiTickets", "/get_jsapi_ticket"
LATER = timedelta(hours=1.5)


def row() -> AccessToken:
    return AccessToken.objects.get(kind=TokenKind.JSAPI)


def asked(upstream) -> list[str]:
    return [call["endpoint"] for call in upstream.remote.calls()["calls"] if call["endpoint"] in (V1, OLD)]


def ends_now() -> None:
    AccessToken.objects.filter(kind=TokenKind.JSAPI).update(expires_at=timezone.now())


def first_issued(ago: timedelta) -> None:
    AccessToken.objects.filter(kind=TokenKind.JSAPI).update(first_issued_at=timezone.now() - ago)


def test_it_is_asked_for_once_and_kept_for_two_hours(upstream, tenant):
    first, second = get_jsapi_ticket(tenant), get_jsapi_ticket(tenant)

    assert first == second
    assert asked(upstream) == [V1]
    assert abs(row().expires_at - timezone.now() - timedelta(hours=2)) < timedelta(seconds=30)


def test_what_is_there_costs_one_query(tenant, django_assert_num_queries):
    get_jsapi_ticket(tenant)

    with django_assert_num_queries(1):
        get_jsapi_ticket(tenant)


@pytest.mark.django_db(transaction=True)
def test_many_threads_at_once_cause_one_call(upstream, tenant):
    upstream.fault(V1, "delay", seconds=0.3)
    tickets: list[str] = []

    def ask() -> None:
        deadline = time.monotonic() + 20
        mine = None
        while mine is None and time.monotonic() < deadline:
            try:
                mine = get_jsapi_ticket(tenant)
            except TokenUnavailable:
                time.sleep(0.1)
        tickets.append(mine or "")
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(tickets) == 24
    assert len(set(tickets)) == 1
    assert asked(upstream) == [V1]


class TestTwoCalls:
    """Either generation gives the same ticket."""

    @pytest.mark.parametrize(("method", "endpoint"), [(Generation.V1, V1), (Generation.OLD, OLD)])
    def test_the_suites_choice_comes_first(self, upstream, tenant, method, endpoint):
        tenant.suite.jsapi_ticket_method = method

        get_jsapi_ticket(tenant)

        assert asked(upstream) == [endpoint]
        assert (row().method, row().fallback_reason) == (f"jsapi_{method}", "")

    @pytest.mark.parametrize(
        "code",
        [
            "InvalidAction.NotFound",
            "Forbidden.AccessDenied.AccessTokenPermissionDenied",
            "invalidClientIdOrSecret",
        ],
    )
    def test_the_other_one_is_the_fallback_when_the_refusal_may_be_about_the_call(
        self, upstream, tenant, code
    ):
        upstream.fault(V1, "errcode", code=code)

        assert get_jsapi_ticket(tenant)

        assert asked(upstream) == [V1, OLD]
        assert row().method == "jsapi_old"
        assert code in row().fallback_reason

    @pytest.mark.parametrize(
        "fault", [{"kind": "http_500"}, {"kind": "rate_limit"}, {"kind": "errcode", "code": "odd"}]
    )
    def test_no_answer_a_limit_or_the_unknown_is_not_multiplied(self, upstream, tenant, fault):
        upstream.fault(V1, **fault)

        with pytest.raises(TokenUnavailable):
            get_jsapi_ticket(tenant)
        with pytest.raises(TokenUnavailable):
            get_jsapi_ticket(tenant)

        assert asked(upstream) == [V1]

    def test_a_refused_token_is_renewed_and_the_ticket_asked_for_once_more(self, upstream, tenant):
        upstream.remote._call("POST", "/_sim/tokens/expire", {"corp_id": tenant.corp.corp_id})

        assert get_jsapi_ticket(tenant)

        assert asked(upstream) == [V1, V1]
        assert upstream.count(CORP_TOKEN) == 2


class TestItsDay:
    """DingTalk prolongs a ticket, but 24 hours after it was made it is dead."""

    def test_the_same_ticket_prolonged_keeps_the_time_it_was_first_issued(self, upstream, tenant):
        ticket = get_jsapi_ticket(tenant)
        first_issued(timedelta(hours=3))
        before = row().first_issued_at
        ends_now()

        assert get_jsapi_ticket(tenant) == ticket
        assert row().first_issued_at == before
        assert row().expires_at - timezone.now() > LATER

    def test_it_is_not_counted_on_beyond_the_end_of_its_day(self, upstream, tenant):
        ticket = get_jsapi_ticket(tenant)
        first_issued(timedelta(hours=23.5))
        ends_now()

        assert get_jsapi_ticket(tenant) == ticket
        left = row().expires_at - timezone.now()
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)

    def test_another_ticket_begins_a_day_of_its_own(self, upstream, tenant):
        ticket = get_jsapi_ticket(tenant)
        first_issued(timedelta(hours=23.9))
        ends_now()
        upstream.remote._call("POST", "/_sim/tokens/expire", {})
        upstream.act("relieve")
        upstream.act("authorize")

        assert get_jsapi_ticket(tenant) != ticket
        assert row().expires_at - timezone.now() > LATER

    def test_one_that_comes_back_after_its_day_is_no_ticket_and_is_not_asked_for_again_at_once(
        self, upstream, tenant
    ):
        get_jsapi_ticket(tenant)
        first_issued(timedelta(hours=24))
        ends_now()

        for _ in range(3):
            with pytest.raises(TokenUnavailable):
                get_jsapi_ticket(tenant)

        assert asked(upstream) == [V1, V1]

    def test_a_requested_renewal_of_all_tokens_does_not_forget_since_when_it_is_the_same(self, tenant):
        get_jsapi_ticket(tenant)
        first_issued(timedelta(hours=5))
        before = row()
        request_token_renewal(tenant, now=timezone.now())

        renew_requested_token(before.pk)

        after = row()
        assert (after.token, after.first_issued_at) == (before.token, before.first_issued_at)
        assert after.renewal_requested_at is None


class TestWithdrawal:
    """A relieved tenant has no ticket from that commit on."""

    def test_the_ticket_is_gone_with_the_authorisation(self, upstream, suite, tenant):
        get_jsapi_ticket(tenant)

        withdrawal_arrives(suite)

        assert not AccessToken.objects.filter(kind=TokenKind.JSAPI).exists()
        with pytest.raises(TenantNotActive):
            get_jsapi_ticket(tenant)
        assert asked(upstream) == [V1]

    def test_one_that_arrives_after_the_withdrawal_is_thrown_away(self, suite, tenant, monkeypatch):
        before_answer(monkeypatch, "create_jsapi_ticket", lambda: withdrawal_arrives(suite))

        with pytest.raises(TenantNotActive):
            get_jsapi_ticket(tenant)

        assert not AccessToken.objects.filter(kind=TokenKind.JSAPI, token__isnull=False).exists()

    def test_the_other_call_is_not_made_after_the_withdrawal(self, upstream, suite, tenant, monkeypatch):
        upstream.fault(V1, "errcode", code="InvalidAction.NotFound")
        before_answer(monkeypatch, "create_jsapi_ticket", lambda: withdrawal_arrives(suite))

        with pytest.raises(TenantNotActive):
            get_jsapi_ticket(tenant)

        assert asked(upstream) == [V1]

    def test_a_new_authorisation_does_not_find_the_old_ticket(self, upstream, suite, tenant):
        before = get_jsapi_ticket(tenant)
        upstream.act("relieve")
        withdrawal_arrives(suite)
        again = reconciled(grant_arrives(suite, upstream.authorize()))

        assert get_jsapi_ticket(again) != before


def test_who_comes_when_all_places_are_taken_is_sent_away_unless_there_is_a_ticket(upstream, tenant):
    places = [WAITING_ROOM.place() for _ in range(count_seats())]
    for place in places:
        place.__enter__()
    try:
        with pytest.raises(TokenUnavailable):
            get_jsapi_ticket(tenant)
        assert asked(upstream) == []
    finally:
        for place in places:
            place.__exit__(None, None, None)

    assert get_jsapi_ticket(tenant)


def test_the_ticket_is_encrypted_at_rest(tenant):
    ticket = get_jsapi_ticket(tenant)

    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM tenants_accesstoken WHERE kind = 'jsapi_ticket'")
        [[stored]] = cursor.fetchall()
    assert ticket not in str(stored)
    assert Tenant.objects.get().tokens.get(kind=TokenKind.JSAPI).token == ticket
