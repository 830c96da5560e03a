"""Failed pushes are fetched back: from the simulated platform's list into the inbox, for whom and when."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dingtalk.client import DingTalkClient
from dingtalk.client.callbacks import FailedPushes
from dingtalk.models import Outage, PushMode, PushSource, ReceivedEvent, ReceivedPush, Suite
from dingtalk.protocol.errors import TransportError
from dingtalk.splitting import split_push
from dingtalk.work import registered_queues
from tenants import failed_pushes
from tenants.models import AccessToken, FailedPushFetch, Tenant, TenantState, TokenKind
from tenants.reconcile import reconcile_tenant
from tests.support.onboarding import grant_arrives
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, suite, upstream

__all__ = ["suite", "upstream"]
pytestmark = pytest.mark.django_db
LIST = "/call_back/get_call_back_failed_result"
UNREACHABLE = "http://127.0.0.1:9/callback"


@pytest.fixture
def tenant(upstream: Upstream, suite: Suite) -> Tenant:
    """A company whose authorisation has converged, on a platform that gives up at once."""
    upstream.options.retry_delays_seconds = ()
    tenant = grant_arrives(suite, upstream.authorize())
    reconcile_tenant(tenant.pk)
    tenant.refresh_from_db()
    assert tenant.is_active
    return tenant


def lose(upstream: Upstream, *users: str, at_ms: int = 1_700_000_000_000) -> None:
    """Events whose push fails."""
    upstream.remote.set_callback_url(SUITE_KEY, UNREACHABLE)
    for number, user in enumerate(users):
        document = {
            "EventType": "user_add_org",
            "TimeStamp": at_ms + number,
            "CorpId": CORP_ID,
            "UserId": [user],
        }
        upstream.remote.push_event(SUITE_KEY, document)


def wanted(tenant: Tenant, *, rounds: int = 1) -> FailedPushFetch:
    return FailedPushFetch.objects.create(tenant=tenant, wanted_at=timezone.now(), rounds_left=rounds)


def fetched_users() -> list[str]:
    for push in ReceivedPush.objects.filter(split_at=None).order_by("id"):
        split_push(push.pk, now=timezone.now())
    events = ReceivedEvent.objects.filter(push__source=PushSource.FAILED_LIST).order_by("platform_time")
    return [event.data()["UserId"][0] for event in events]


def test_what_could_not_be_pushed_becomes_events(upstream: Upstream, tenant: Tenant):
    lose(upstream, "user1", "user2")

    failed_pushes.fetch_wanted(wanted(tenant).pk)

    assert fetched_users() == ["user1", "user2"]
    event = ReceivedEvent.objects.earliest("platform_time")
    assert (event.event_type, event.corp_id, event.suite) == ("user_add_org", CORP_ID, tenant.suite)
    assert event.platform_time.timestamp() == 1_700_000_000
    row = FailedPushFetch.objects.get()
    assert (row.found, row.wanted_at, row.last_error) == (2, None, "")


def test_a_page_is_stored_before_the_next_call_drops_it(
    upstream: Upstream, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dingtalk.simulator.failed_list.PAGE_SIZE", 2)
    lose(upstream, "user1", "user2", "user3", "user4", "user5")
    stored = _stored_before_each_call(monkeypatch)

    failed_pushes.fetch_wanted(wanted(tenant).pk)

    assert stored == [0, 2, 4]
    assert len(fetched_users()) == 5


def test_a_process_that_dies_between_two_pages_loses_nothing(
    upstream: Upstream, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dingtalk.simulator.failed_list.PAGE_SIZE", 2)
    lose(upstream, "user1", "user2", "user3")
    row = wanted(tenant)
    with monkeypatch.context() as dying:
        _before_call(dying, 2, _die)
        with pytest.raises(KeyboardInterrupt):
            failed_pushes.fetch_wanted(row.pk)
    assert fetched_users() == ["user1", "user2"]

    # What the dead process held is free after a while.
    FailedPushFetch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    failed_pushes.fetch_wanted(row.pk)

    assert fetched_users() == ["user1", "user2", "user3"]


def test_a_lost_answer_is_said_and_tried_in_the_next_round(
    upstream: Upstream, tenant: Tenant, caplog: pytest.LogCaptureFixture
):
    lose(upstream, "user1")
    upstream.fault(LIST, "drop_answer")
    row = wanted(tenant, rounds=2)

    failed_pushes.fetch_wanted(row.pk)

    assert "failed_pushes_page_lost" in caplog.messages
    assert upstream.count(LIST) == 1
    row.refresh_from_db()
    assert row.rounds_left == 1
    assert row.wanted_at is not None
    assert row.wanted_at > timezone.now() + timedelta(minutes=2)
    assert TransportError.__name__ in row.last_error


def test_only_one_process_asks_for_a_company(upstream: Upstream, tenant: Tenant):
    row = wanted(tenant)
    FailedPushFetch.objects.update(lease_until=timezone.now() + timedelta(seconds=60))

    failed_pushes.fetch_wanted(row.pk)
    with pytest.raises(failed_pushes.AlreadyFetching):
        failed_pushes.fetch_now(tenant)

    assert upstream.count(LIST) == 0


def test_nothing_is_asked_for_a_company_that_has_withdrawn(upstream: Upstream, tenant: Tenant):
    row = wanted(tenant)
    Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None)

    failed_pushes.fetch_wanted(row.pk)

    assert upstream.count(LIST) == 0


def test_a_refused_token_is_renewed(upstream: Upstream, tenant: Tenant):
    lose(upstream, "user1")
    upstream.remote._call("POST", "/_sim/tokens/expire", {"corp_id": CORP_ID})

    failed_pushes.fetch_wanted(wanted(tenant).pk)

    assert fetched_users() == ["user1"]


def test_an_event_that_was_received_all_the_same_is_no_second_one(upstream: Upstream, tenant: Tenant):
    """Its acknowledgement was lost on the way, so DingTalk gave it up."""
    pushed = {"EventType": "user_add_org", "TimeStamp": 1_700_000_000_000, "CorpId": CORP_ID, "UserId": ["u"]}
    body = str(pushed).replace("'", '"').encode()
    ReceivedPush.objects.create(
        suite=tenant.suite, digest="pushed", received_at=timezone.now(), body=body, source=PushSource.HTTP
    )
    fetched_users()
    lose(upstream, "u")

    failed_pushes.fetch_wanted(wanted(tenant).pk)

    assert fetched_users() == []
    assert ReceivedEvent.objects.count() == 1


class TestForWhom:
    """Which companies are asked for, and when."""

    def note_activity(self, tenant: Tenant, *, hours_ago: float) -> None:
        AccessToken.objects.filter(tenant=tenant, kind=TokenKind.CORP).update(
            last_used_at=timezone.now() - timedelta(hours=hours_ago)
        )

    def outage(self) -> Outage:
        now = timezone.now()
        return Outage.objects.create(kind="silence", began_at=now - timedelta(minutes=10), ended_at=now)

    def test_after_an_outage_active_companies_are_asked_for_several_times(
        self, upstream: Upstream, tenant: Tenant
    ):
        self.note_activity(tenant, hours_ago=30)
        self.outage()
        now = timezone.now()

        assert failed_pushes.follow_up_outages(now=now) == 1
        assert failed_pushes.follow_up_outages(now=now) == 0

        row = FailedPushFetch.objects.get()
        assert row.rounds_left == 3
        times = []
        while row.wanted_at is not None:
            times.append(row.wanted_at - now)
            FailedPushFetch.objects.update(wanted_at=timezone.now())
            failed_pushes.fetch_wanted(row.pk)
            row.refresh_from_db()
        assert upstream.count(LIST) == 3
        assert timedelta(minutes=3) <= times[0] <= timedelta(minutes=4)

    def test_companies_that_were_not_active_are_left_alone(self, tenant: Tenant):
        self.note_activity(tenant, hours_ago=24 * 30)
        self.outage()

        assert failed_pushes.follow_up_outages(now=timezone.now()) == 0
        assert failed_pushes.ask_for_active_tenants(now=timezone.now()) == 0

    def test_an_event_counts_as_activity(self, tenant: Tenant):
        now = timezone.now()
        ReceivedEvent.objects.create(
            suite=tenant.suite,
            identity="1",
            event_type="noted",
            corp_id=CORP_ID,
            platform_time=now,
            received_at=now,
        )

        assert failed_pushes.ask_for_active_tenants(now=now) == 1

    def test_suites_without_such_a_list_are_left_alone(self, tenant: Tenant):
        self.note_activity(tenant, hours_ago=1)
        for mode in (PushMode.STREAM, PushMode.RDS):
            Suite.objects.update(push_mode=mode)
            assert failed_pushes.ask_for_active_tenants(now=timezone.now()) == 0

    def test_the_schedule_asks_for_a_company_once_in_a_while(self, upstream: Upstream, tenant: Tenant):
        self.note_activity(tenant, hours_ago=1)
        now = timezone.now()

        assert failed_pushes.ask_for_active_tenants(now=now) == 1
        assert failed_pushes.ask_for_active_tenants(now=now) == 0
        FailedPushFetch.objects.update(wanted_at=now)
        failed_pushes.fetch_wanted(FailedPushFetch.objects.get().pk)
        assert failed_pushes.ask_for_active_tenants(now=now + timedelta(hours=5)) == 0
        self.note_activity(tenant, hours_ago=-7)
        assert failed_pushes.ask_for_active_tenants(now=now + timedelta(hours=7)) == 1

    def test_an_outage_during_a_fetch_is_not_forgotten(
        self, upstream: Upstream, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ):
        self.note_activity(tenant, hours_ago=1)
        row = wanted(tenant)
        self.outage()
        _before_call(monkeypatch, 1, lambda: failed_pushes.follow_up_outages(now=timezone.now()))

        failed_pushes.fetch_wanted(row.pk)

        row.refresh_from_db()
        assert (row.rounds_left, row.lease_until) == (3, None)

    def test_the_dispatcher_finds_what_is_due(self, tenant: Tenant):
        row = wanted(tenant)
        queue = next(queue for queue in registered_queues() if queue.name == "fetch_failed_pushes")

        assert [due.id for due in queue.claim_due(10)] == [row.pk]


def _die() -> None:
    raise KeyboardInterrupt


def _before_call(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], Any]) -> None:
    """Let something happen just before DingTalk is asked for the n-th time."""
    ask = DingTalkClient.get_call_back_failed_result
    asked = iter(range(1, 100))

    def answer(client: DingTalkClient, **named: Any) -> FailedPushes:
        if next(asked) == number:
            happens()
        return ask(client, **named)

    monkeypatch.setattr(DingTalkClient, "get_call_back_failed_result", answer)


def _stored_before_each_call(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pushes of the list are stored whenever DingTalk is asked."""
    ask = DingTalkClient.get_call_back_failed_result
    stored: list[int] = []

    def answer(client: DingTalkClient, **named: Any) -> FailedPushes:
        stored.append(ReceivedPush.objects.filter(source=PushSource.FAILED_LIST).count())
        return ask(client, **named)

    monkeypatch.setattr(DingTalkClient, "get_call_back_failed_result", answer)
    return stored
