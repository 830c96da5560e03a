"""Corp access tokens for callers, for operators and ahead of their end, on a platform that answers."""

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from dingtalk.foundation.leases import claim_lease
from tenants import tokens, waking
from tenants.errors import TenantNotActive, TenantNotFound, TokenUnavailable
from tenants.models import AccessToken, Tenant, TenantState, TokenKind
from tenants.sweeps import mark_tokens_to_refresh
from tenants.transitions import Overtaken
from tenants.waiting_room import WAITING_ROOM, count_seats
from tenants.waking import suite_ticket_arrived
from tests.support.onboarding import (
    CORP_TOKEN,
    UNIFIED_TOKEN,
    before_answer,
    grant_arrives,
    reconciled,
    scope_change_arrives,
    tenant_row,
    withdrawal_arrives,
)
from tests.support.upstream import CORP_ID, SUITE_KEY, suite, upstream

__all__ = ["suite", "upstream"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(upstream, suite) -> Tenant:
    """An active company with a token that nobody has used."""
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    Tenant.objects.update(authorized_at=timezone.now() - timedelta(hours=1))
    assert tenant.is_active
    return tenant


def get(min_ttl: int = 60, *, tenants=None, corp_id=CORP_ID, suite_key=SUITE_KEY) -> tokens.CorpToken:
    return tokens.get_corp_access_token(
        Tenant.objects.all() if tenants is None else tenants,
        suite_key=suite_key,
        corp_id=corp_id,
        min_ttl_seconds=min_ttl,
    )


def row() -> AccessToken:
    return AccessToken.objects.get(kind=TokenKind.CORP)


def change(**columns: object) -> None:
    AccessToken.objects.filter(kind=TokenKind.CORP).update(**columns)


def ends_in(seconds: float) -> None:
    """Age the token; it is in its margin when less than ten minutes are left."""
    expires_at = timezone.now() + timedelta(seconds=seconds)
    change(expires_at=expires_at, refresh_at=expires_at - timedelta(minutes=10))


def is_taken(upstream, token: str) -> bool:
    answer = requests.post(
        f"{upstream.base_url}/topapi/v2/department/listsub", params={"access_token": token}, timeout=5
    )
    return answer.json()["errcode"] == 0


class TestGetting:
    def test_the_stored_token_is_handed_out_and_dingtalk_takes_it(self, upstream, tenant):
        first, second = get(), get()

        assert first.access_token == second.access_token
        assert 7100 < first.expires_in_seconds <= 7200
        assert upstream.count(CORP_TOKEN) == 1
        assert is_taken(upstream, first.access_token)

    def test_it_costs_one_query_once_its_use_is_noted(self, tenant, django_assert_num_queries):
        get()

        with django_assert_num_queries(1):
            get()

    def test_its_use_is_noted_once_for_each_token(self, tenant):
        get()
        noted = row().last_used_at
        get()
        assert row().last_used_at == noted

        change(issued_at=timezone.now())
        get()

        assert row().last_used_at > noted

    @pytest.mark.parametrize(
        "wrong", [{"corp_id": "dingnobody"}, {"suite_key": "suitenobody"}, {"tenants": Tenant.objects.none()}]
    )
    def test_who_is_not_there_or_may_not_be_seen_is_not_found(self, tenant, wrong):
        with pytest.raises(TenantNotFound):
            get(**wrong)

    @pytest.mark.parametrize("state", [state for state in TenantState if state != TenantState.ACTIVE])
    def test_in_no_other_state_than_active_is_there_a_token(self, upstream, tenant, state):
        Tenant.objects.update(state=state, permanent_code=None)

        with pytest.raises(TenantNotActive) as refusal:
            get()

        assert refusal.value.state == state
        assert upstream.count(CORP_TOKEN) == 1

    def test_a_token_that_does_not_last_is_replaced_while_the_caller_waits(self, upstream, tenant):
        ends_in(90)
        first = get(60)
        second = get(120)

        assert first.access_token != second.access_token
        assert second.expires_in_seconds > 7100
        assert upstream.count(CORP_TOKEN) == 2

    def test_in_its_margin_it_is_handed_out_and_its_renewal_requested_once(self, upstream, tenant):
        change(dispatched_at=timezone.now())
        ends_in(300)
        token = get()
        requested = row().renewal_requested_at
        get()

        assert token.expires_in_seconds <= 300
        assert row().renewal_requested_at == requested is not None
        assert row().dispatched_at is None
        assert upstream.count(CORP_TOKEN) == 1

    def test_the_lifetime_counts_from_the_question(self, upstream, tenant):
        change(token=None, expires_at=None)
        upstream.fault(CORP_TOKEN, "delay", seconds=0.5)
        asked_at = timezone.now()

        token = get()

        assert token.expires_at - asked_at < timedelta(seconds=7200.4)

    def test_while_too_many_wait_the_rest_is_sent_away(self, upstream, tenant):
        change(token=None, expires_at=None)
        places = [WAITING_ROOM.place() for _ in range(count_seats())]
        for place in places:
            place.__enter__()
        try:
            with pytest.raises(TokenUnavailable, match="Too many") as refusal:
                get()
        finally:
            for place in places:
                place.__exit__(None, None, None)

        assert refusal.value.retry_after_seconds == 1
        assert upstream.count(CORP_TOKEN) == 1
        assert get().access_token

    def test_who_finds_a_token_needs_no_place_among_those_who_wait(self, tenant):
        places = [WAITING_ROOM.place() for _ in range(count_seats())]
        for place in places:
            place.__enter__()
        try:
            assert get().access_token
        finally:
            for place in places:
                place.__exit__(None, None, None)

    def test_a_refusal_of_the_company_has_dingtalk_asked_for_the_grant(self, upstream, tenant):
        change(token=None, expires_at=None)
        upstream.act("relieve")

        with pytest.raises(TokenUnavailable) as refusal:
            get()

        assert refusal.value.code == "invalidAuthInfo"
        assert tenant_row().grant_unconfirmed
        assert reconciled(tenant).state == TenantState.RELIEVED

    def test_a_refusal_without_a_ticket_says_so_and_is_over_with_the_first_one(self, upstream, tenant, suite):
        change(token=None, expires_at=None)
        suite.tickets.all().delete()
        upstream.fault(UNIFIED_TOKEN, "errcode", code="unauthorized.client", count=None)
        with pytest.raises(TokenUnavailable, match="no suite ticket"):
            get()

        upstream.deliver_ticket(suite)
        suite_ticket_arrived(suite, now=timezone.now())

        assert get().access_token

    def test_another_renewal_is_waited_for_no_longer_than_set(self, tenant, settings):
        settings.TOKEN_WAIT_SECONDS = 0.2
        change(token=None, expires_at=None)
        claim_lease(AccessToken.objects.all(), row().pk, seconds=60)

        with pytest.raises(TokenUnavailable):
            get()


class TestWithdrawalWhileACallerWaits:
    def test_the_token_that_comes_too_late_is_not_handed_out(self, tenant, monkeypatch):
        change(token=None, expires_at=None)
        before_answer(monkeypatch, "get_corp_access_token", lambda: withdrawal_arrives(tenant.suite))

        with pytest.raises(TenantNotActive) as refusal:
            get()

        assert refusal.value.state == TenantState.RELIEVED
        assert not AccessToken.objects.filter(kind=TokenKind.CORP).exists()

    def test_the_token_of_a_company_that_stopped_the_app_is_not_handed_out(self, tenant, monkeypatch):
        change(token=None, expires_at=None)
        before_answer(
            monkeypatch,
            "get_corp_access_token",
            lambda: Tenant.objects.update(state=TenantState.STOPPED),
        )

        with pytest.raises(TenantNotActive) as refusal:
            get()

        assert refusal.value.state == TenantState.STOPPED

    def test_nobody_asks_dingtalk_in_the_name_of_who_has_withdrawn(self, upstream, tenant):
        before = upstream.count(CORP_TOKEN)
        withdrawal_arrives(tenant.suite)

        with pytest.raises(Overtaken):
            tokens.ensure_corp_access_token(tenant)

        assert upstream.count(CORP_TOKEN) == before

    def test_a_caller_whose_renewal_was_overtaken_is_told_to_ask_again(self, tenant, monkeypatch):
        change(token=None, expires_at=None)
        before_answer(monkeypatch, "get_corp_access_token", lambda: change(lease_epoch=99))

        with pytest.raises(TokenUnavailable) as refusal:
            get()

        assert refusal.value.retry_after_seconds == 1


class TestForcedRenewal:
    def test_an_operator_replaces_the_token_though_a_pause_forbids_asking(self, upstream, tenant):
        before = get().access_token
        change(retry_at=timezone.now() + timedelta(minutes=5), last_error="refused", failures=9)

        after = tokens.renew_corp_access_token(tenant.pk)

        assert after.access_token != before
        assert get().access_token == after.access_token
        assert upstream.count(CORP_TOKEN) == 2

    def test_there_is_none_for_a_company_that_has_withdrawn(self, upstream, tenant):
        withdrawal_arrives(tenant.suite)

        with pytest.raises(TenantNotActive):
            tokens.renew_corp_access_token(tenant.pk)

        assert upstream.count(CORP_TOKEN) == 1


class TestRenewalAhead:
    def renew(self) -> None:
        tokens.renew_requested_token(row().pk)

    def test_a_used_token_is_replaced_and_the_request_is_over(self, upstream, tenant):
        before = get().access_token
        waking.request_token_renewal(tenant, now=timezone.now())

        self.renew()

        assert row().token != before
        assert row().renewal_requested_at is None
        assert row().dispatched_at is None

    def test_without_a_request_nothing_is_done(self, upstream, tenant):
        get()

        self.renew()

        assert upstream.count(CORP_TOKEN) == 1

    def test_a_token_that_is_gone_is_no_error(self, tenant):
        token_id = row().pk
        withdrawal_arrives(tenant.suite)

        tokens.renew_requested_token(token_id)

        assert not AccessToken.objects.filter(pk=token_id).exists()

    def test_one_that_nobody_uses_is_dropped_and_the_next_caller_gets_a_new_one(self, upstream, tenant):
        waking.request_token_renewal(tenant, now=timezone.now())

        self.renew()

        assert upstream.count(CORP_TOKEN) == 1
        assert row().renewal_requested_at is None
        assert get().access_token
        assert upstream.count(CORP_TOKEN) == 2

    def test_a_scope_change_of_a_stopped_company_leaves_no_token_of_the_old_scope(self, upstream, tenant):
        get()
        Tenant.objects.update(state=TenantState.STOPPED)
        scope_change_arrives(tenant.suite)

        self.renew()

        assert row().token is None
        assert row().renewal_requested_at is None

    def test_one_that_has_ended_is_left_to_who_asks_next(self, upstream, tenant):
        get()
        ends_in(-1)
        waking.request_token_renewal(tenant, now=timezone.now())

        self.renew()

        assert upstream.count(CORP_TOKEN) == 1
        assert row().renewal_requested_at is None

    def test_a_request_made_while_a_renewal_is_under_way_is_kept(self, upstream, tenant, monkeypatch):
        get()
        waking.request_token_renewal(tenant, now=timezone.now())
        before_answer(monkeypatch, "get_corp_access_token", lambda: scope_change_arrives(tenant.suite))

        self.renew()

        assert row().renewal_requested_at is not None

    def test_a_request_made_while_the_first_token_is_under_way_is_kept(self, upstream, suite, monkeypatch):
        before_answer(monkeypatch, "get_corp_access_token", lambda: scope_change_arrives(suite))

        reconciled(grant_arrives(suite, upstream.authorize()))

        assert row().renewal_requested_at is not None

    @pytest.mark.parametrize("kind", ["http_500", "rate_limit"])
    def test_a_failure_is_in_the_row_and_the_old_token_stays(self, upstream, tenant, kind):
        before = get().access_token
        waking.request_token_renewal(tenant, now=timezone.now())
        change(dispatched_at=timezone.now())
        upstream.fault(CORP_TOKEN, kind)

        self.renew()

        failed = row()
        assert (failed.token, failed.failures) == (before, 1)
        assert failed.last_error
        assert failed.retry_at > timezone.now()
        assert failed.renewal_requested_at is not None
        assert failed.dispatched_at is None

    def test_a_refusal_of_the_company_has_dingtalk_asked_for_the_grant(self, upstream, tenant):
        get()
        upstream.act("relieve")
        waking.request_token_renewal(tenant, now=timezone.now())

        self.renew()

        assert tenant_row().grant_unconfirmed
        assert tenant_row().next_reconcile_at is not None

    def test_the_sweep_and_the_renewal_keep_a_used_token_fresh(self, upstream, tenant):
        get()
        ends_in(500)

        assert mark_tokens_to_refresh(now=timezone.now()) == 1
        self.renew()

        assert row().expires_at - timezone.now() > timedelta(minutes=100)
        assert mark_tokens_to_refresh(now=timezone.now()) == 0


def test_no_text_of_a_failure_shows_a_secret(upstream, tenant, suite, monkeypatch):
    secrets = {suite.suite_secret, tenant.permanent_code, row().token, suite.tickets.get().ticket}
    change(token=None, expires_at=None)
    upstream.fault(CORP_TOKEN, "html")

    with pytest.raises(TokenUnavailable) as refusal:
        get()

    shown = f"{refusal.value} {row().last_error} {tokens.CorpToken('the-token', timezone.now(), 1)!r}"
    assert not any(secret in shown for secret in secrets)
    assert "the-token" not in shown
