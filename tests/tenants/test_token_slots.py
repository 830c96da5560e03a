"""One renewal per token, whoever asks and however often."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from dingtalk.client import IssuedToken
from dingtalk.foundation.leases import claim_lease
from dingtalk.protocol.error_table import classify
from dingtalk.protocol.errors import ApiError, TransportError
from dingtalk.protocol.events import PushedTicket
from dingtalk.tickets import store_tickets
from tenants import token_slots, waking
from tenants.errors import TicketMissing, TokenUnavailable
from tenants.models import AccessToken, Tenant, TenantState, TokenKind
from tenants.token_slots import Obtained, obtain_token, slot_of
from tenants.transitions import Overtaken


class Upstream:
    """Counts how often a token was asked for, and issues a new one each time, as DingTalk does."""

    def __init__(self, *, seconds: float = 0, error: Exception | None = None) -> None:
        self.calls = 0
        self.seconds = seconds
        self.error = error
        self._lock = threading.Lock()

    def __call__(self) -> Obtained:
        with self._lock:
            self.calls += 1
            number = self.calls
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return Obtained(IssuedToken(token=f"token-{number}", expires_in_seconds=7200), method="v1")


@pytest.fixture
def slot(active_tenant):
    return slot_of(suite=active_tenant.suite, kind=TokenKind.CORP, tenant=active_tenant)


def obtain(slot, upstream, *, min_ttl=60, wait=2.0, refused=None):
    return obtain_token(slot, upstream, min_ttl_seconds=min_ttl, wait_seconds=wait, refused=refused)


def age_token(slot, *, seconds_left):
    AccessToken.objects.filter(pk=slot).update(expires_at=timezone.now() + timedelta(seconds=seconds_left))


@pytest.mark.django_db
def test_a_missing_token_is_obtained_and_then_kept(slot):
    upstream = Upstream()

    first, second = obtain(slot, upstream), obtain(slot, upstream)

    assert (first.value, second.value, upstream.calls) == ("token-1", "token-1", 1)


@pytest.mark.django_db
def test_a_token_that_does_not_last_long_enough_is_renewed(slot):
    upstream = Upstream()
    obtain(slot, upstream)
    age_token(slot, seconds_left=90)

    assert obtain(slot, upstream, min_ttl=60).value == "token-1"
    assert obtain(slot, upstream, min_ttl=120).value == "token-2"


@pytest.mark.django_db
def test_renewal_ahead_begins_ten_minutes_before_the_end_at_the_earliest_twelve(slot):
    current = obtain(slot, Upstream())

    lead = current.expires_at - current.refresh_at

    assert timedelta(minutes=10) <= lead <= timedelta(minutes=12)


@pytest.mark.django_db
def test_a_refused_token_is_renewed_once_and_not_again_when_it_is_no_longer_current(slot):
    upstream = Upstream()
    refused = obtain(slot, upstream).value

    renewed = obtain(slot, upstream, refused=refused).value
    again = obtain(slot, upstream, refused=refused).value

    assert (renewed, again, upstream.calls) == ("token-2", "token-2", 2)


@pytest.mark.django_db
def test_who_finds_the_lease_taken_waits_and_then_says_when_to_ask_again(slot):
    claim_lease(AccessToken.objects.all(), slot, seconds=60)
    upstream = Upstream()

    with pytest.raises(TokenUnavailable) as refusal:
        obtain(slot, upstream, wait=0.2)

    assert refusal.value.retry_after_seconds == 1
    assert upstream.calls == 0


@pytest.mark.django_db
def test_the_lease_of_a_process_that_died_is_taken_over(slot):
    claim_lease(AccessToken.objects.all(), slot, seconds=0)

    assert obtain(slot, Upstream()).value == "token-1"


@pytest.mark.django_db
def test_a_late_holder_does_not_replace_the_token_of_the_next_one(slot):
    def overtaken_meanwhile() -> Obtained:
        AccessToken.objects.filter(pk=slot).update(lease_epoch=99, lease_until=timezone.now())
        return Obtained(IssuedToken(token="late", expires_in_seconds=7200), method="v1")

    with pytest.raises(Overtaken):
        obtain(slot, overtaken_meanwhile)

    assert AccessToken.objects.get(pk=slot).token is None


@pytest.mark.django_db
def test_a_token_that_arrives_after_the_withdrawal_is_thrown_away(slot, relieve):
    def relieved_meanwhile() -> Obtained:
        relieve(30)
        return Obtained(IssuedToken(token="too late", expires_in_seconds=7200), method="v1")

    with pytest.raises(Overtaken):
        obtain(slot, relieved_meanwhile)

    assert not AccessToken.objects.filter(token__isnull=False).exists()


@pytest.mark.django_db
def test_a_relieved_tenant_gets_no_token_whatever_its_generation(slot):
    def relieved_meanwhile() -> Obtained:
        Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None)
        return Obtained(IssuedToken(token="too late", expires_in_seconds=7200), method="v1")

    with pytest.raises(Overtaken):
        obtain(slot, relieved_meanwhile)

    assert AccessToken.objects.get(pk=slot).token is None


@pytest.mark.django_db
def test_a_token_of_the_last_authorisation_is_not_stored_for_the_new_one(slot):
    def re_authorised_meanwhile() -> Obtained:
        Tenant.objects.update(generation=5, state=TenantState.AUTHORIZING)
        return Obtained(IssuedToken(token="old grant", expires_in_seconds=7200), method="v1")

    with pytest.raises(Overtaken):
        obtain(slot, re_authorised_meanwhile)


@pytest.mark.django_db
def test_while_renewal_fails_nobody_asks_dingtalk_before_the_pause_is_over(slot):
    failing = Upstream(error=TransportError("corpAccessToken", retryable=True, reason="timeout"))
    with pytest.raises(TransportError):
        obtain(slot, failing)

    with pytest.raises(TokenUnavailable) as refusal:
        obtain(slot, failing)

    assert failing.calls == 1
    assert refusal.value.retry_after_seconds >= 1
    assert "timeout" in str(refusal.value)


@pytest.mark.django_db
def test_the_pause_grows_with_each_failure_and_ends_with_a_success(slot):
    failing = Upstream(error=TransportError("corpAccessToken", retryable=True, reason="timeout"))
    pauses = []
    for _attempt in range(4):
        AccessToken.objects.filter(pk=slot).update(retry_at=None)
        with pytest.raises(TransportError):
            obtain(slot, failing)
        pauses.append(AccessToken.objects.get(pk=slot).retry_at - timezone.now())

    assert [round(pause.total_seconds()) for pause in pauses] == [1, 2, 4, 8]
    AccessToken.objects.filter(pk=slot).update(retry_at=None)
    obtain(slot, Upstream())
    assert AccessToken.objects.get(pk=slot).failures == 0


@pytest.mark.django_db
def test_dingtalks_code_is_kept_with_the_failure(slot):
    refused: ApiError = classify(endpoint="corpAccessToken", code="invalidSuiteKey", http_status=400)
    with pytest.raises(ApiError):
        obtain(slot, Upstream(error=refused))

    with pytest.raises(TokenUnavailable) as refusal:
        obtain(slot, Upstream())

    assert refusal.value.code == "invalidSuiteKey"


@pytest.mark.django_db
def test_without_a_ticket_the_pause_lasts_until_one_arrives(slot, active_tenant):
    missing = TicketMissing(suite_key="suitekey0001")
    missing.was_asked_without = True
    upstream = Upstream(error=missing)
    with pytest.raises(TicketMissing):
        obtain(slot, upstream)
    with pytest.raises(TokenUnavailable):
        obtain(slot, upstream)
    assert upstream.calls == 1

    waking.suite_ticket_arrived(active_tenant.suite, now=timezone.now())

    assert obtain(slot, Upstream()).value == "token-1"


@pytest.mark.django_db(transaction=True)
def test_thirty_callers_at_once_cause_one_call(active_tenant):
    slot = slot_of(suite=active_tenant.suite, kind=TokenKind.CORP, tenant=active_tenant)
    upstream = Upstream(seconds=0.3)
    tokens: list[str] = []

    def call() -> None:
        try:
            tokens.append(obtain(slot, upstream, wait=20).value)
        finally:
            connection.close()

    callers = [threading.Thread(target=call) for _ in range(30)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=30)

    assert tokens == ["token-1"] * 30
    assert upstream.calls == 1


@pytest.mark.django_db
def test_while_dingtalk_limits_us_the_pause_is_what_it_asks_for_and_grows(slot):
    limited = classify(endpoint="corpAccessToken", code="90018", http_status=200)
    limited.retry_after_seconds = 30.0
    pauses = []
    for failures in (0, 7):
        AccessToken.objects.filter(pk=slot).update(retry_at=None, failures=failures)
        with pytest.raises(ApiError):
            obtain(slot, Upstream(error=limited))
        pauses.append(AccessToken.objects.get(pk=slot).retry_at - timezone.now())

    assert [round(pause.total_seconds()) for pause in pauses] == [30, 128]


@pytest.mark.django_db
def test_a_refused_ticket_is_not_polled_with_and_a_new_one_ends_the_pause(slot, active_tenant):
    refused = classify(endpoint="corpAccessToken", code="invalidSuiteTicket", http_status=400)
    with pytest.raises(ApiError):
        obtain(slot, Upstream(error=refused))
    assert AccessToken.objects.get(pk=slot).retry_at - timezone.now() > timedelta(minutes=4)

    waking.suite_ticket_arrived(active_tenant.suite, now=timezone.now())

    assert obtain(slot, Upstream()).value == "token-1"


@pytest.mark.django_db
def test_a_ticket_that_comes_before_its_refusal_is_stored_leaves_no_pause(slot, active_tenant):
    refused = classify(endpoint="corpAccessToken", code="invalidSuiteTicket", http_status=400)

    def refused_while_a_ticket_comes() -> Obtained:
        store_tickets(
            suite_id=active_tenant.suite_id,
            tickets=[PushedTicket("fresh", None)],
            received_at=timezone.now() - timedelta(hours=1),
        )
        raise refused

    with pytest.raises(ApiError):
        obtain(slot, refused_while_a_ticket_comes)

    assert obtain(slot, Upstream()).value == "token-1"


@pytest.mark.django_db
def test_who_claims_the_lease_looks_again_before_asking(slot, monkeypatch):
    upstream = Upstream()
    claim = token_slots._claim

    def renewed_by_another_before_the_claim(*arguments, **named):
        monkeypatch.setattr(token_slots, "_claim", claim)
        obtain(slot, upstream)
        return claim(*arguments, **named)

    monkeypatch.setattr(token_slots, "_claim", renewed_by_another_before_the_claim)

    assert obtain(slot, upstream).value == "token-1"
    assert upstream.calls == 1


@pytest.mark.django_db
def test_the_token_and_the_errors_of_a_slot_show_no_token(slot):
    current = obtain(slot, Upstream())

    assert "token-1" not in repr(current)
    assert "token-1" not in str(AccessToken.objects.filter(pk=slot).values())
