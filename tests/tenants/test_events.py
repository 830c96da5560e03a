"""Stored events, handled by whoever listens to them: what DingTalk documents, and what it does not."""

import json
from typing import Any

import pytest
from django.utils import timezone

from dingtalk.inbox import handle_lane, split_push
from dingtalk.models import EventState, ReceivedEvent, ReceivedPush, Suite
from tenants.models import AccessToken, AuthCorp, CodeState, Tenant, TenantState, TokenKind, WaitingFor
from tests.support.callbacks import CORP_ID, PLATFORM_TIME_MS, make_suite, sync_push, sync_row
from tests.support.protocol_fixtures import event_names, load_event

pytestmark = pytest.mark.django_db

ISV_CORP_ID = "dingisv0c4e6a8"


@pytest.fixture
def suite() -> Suite:
    return make_suite()


def handle(suite: Suite, document: dict[str, Any]) -> list[ReceivedEvent]:
    """Store a push as the callback does, then split and handle it."""
    message = json.dumps(document).encode()
    push = ReceivedPush.objects.create(
        suite=suite, digest=str(hash(message))[:64], received_at=timezone.now(), body=message
    )
    split_push(push.pk, now=timezone.now())
    events = list(ReceivedEvent.objects.filter(push=push).order_by("id"))
    for event in events:
        handle_lane(event.pk)
    return list(ReceivedEvent.objects.filter(push=push).order_by("id"))


def legacy(event_type: str, *, minutes: float = 0, **members: Any) -> dict[str, Any]:
    return {
        "EventType": event_type,
        "SuiteKey": "suitekq7ymx3wq2ulr9vd",
        "AuthCorpId": CORP_ID,
        "TimeStamp": PLATFORM_TIME_MS + round(minutes * 60_000),
        **members,
    }


def sync(event_type: str, *, minutes: float = 0, biz_type: int = 4, **members: Any) -> dict[str, Any]:
    when = PLATFORM_TIME_MS + round(minutes * 60_000)
    data = {"syncAction": event_type, **members}
    return sync_push(sync_row(data, biz_type=biz_type, biz_id="31415001", gmt_modified=when))


def tenant() -> Tenant:
    return Tenant.objects.select_related("corp").get(corp__corp_id=CORP_ID)


def everything() -> list[Any]:
    """All that is known of companies, to be compared before and after."""
    columns = [field.attname for field in Tenant._meta.concrete_fields]
    return [*Tenant.objects.values_list(*columns), *AuthCorp.objects.values_list(), *codes(), *tokens()]


def codes() -> list[Any]:
    return list(Tenant.objects.values_list("tmp_auth_codes__state", "tmp_auth_codes__digest"))


def tokens() -> list[Any]:
    return list(AccessToken.objects.values_list("pk", "renewal_requested_at", "retry_at"))


@pytest.fixture
def authorised(suite: Suite) -> Tenant:
    """A company that is active, by the recorded grant."""
    handle(suite, load_event("org_suite_auth"))
    Tenant.objects.update(state=TenantState.ACTIVE, next_reconcile_at=None)
    AccessToken.objects.create(suite=suite, tenant=tenant(), kind=TokenKind.CORP, token="t")
    return tenant()


@pytest.mark.parametrize("name", [name for name in event_names() if not name.startswith("check_")])
def test_every_recorded_event_has_somebody_who_handles_it(authorised, suite, name):
    document = load_event(name)
    if name == "org_suite_auth":
        document["bizData"][0]["gmt_modified"] += 1

    events = handle(suite, document)

    assert [(event.state, event.last_error) for event in events] == [(EventState.HANDLED, "")]


class TestRecordedEvents:
    def test_a_grant_makes_a_tenant_with_all_that_it_says(self, suite):
        handle(suite, load_event("org_suite_auth"))

        granted = tenant()
        assert granted.state == TenantState.AUTHORIZING
        assert granted.agents
        assert granted.auth_scope is not None
        assert granted.permanent_code
        assert granted.corp.name
        assert granted.grant_time == ReceivedEvent.objects.get().platform_time
        assert not granted.auth_info_due
        assert granted.transitions.get().reason == "org_suite_auth"

    def test_a_change_says_the_same_as_a_grant(self, suite):
        handle(suite, load_event("org_suite_change"))

        assert tenant().state == TenantState.AUTHORIZING
        assert tenant().agents

    @pytest.mark.parametrize("name", ["org_suite_relieve", "legacy_suite_relieve"])
    def test_a_withdrawal_ends_it(self, authorised, suite, name):
        handle(suite, load_event(name))

        assert tenant().state == TenantState.RELIEVED
        assert tenant().permanent_code is None
        assert not AccessToken.objects.exists()

    def test_a_temporary_code_is_kept_to_be_exchanged(self, suite):
        handle(suite, load_event("legacy_tmp_auth_code"))

        code = tenant().tmp_auth_codes.get()
        assert (code.state, code.code) == (CodeState.PENDING, "sampleTmpAuthCode0001")

    def test_a_scope_change_has_all_fetched(self, authorised, suite):
        handle(suite, load_event("legacy_change_auth"))

        assert (tenant().auth_info_due, tenant().auth_scope_due) == (True, True)
        assert AccessToken.objects.get().renewal_requested_at is not None

    @pytest.mark.parametrize("prefix", ["", "legacy_"])
    def test_a_company_stops_restores_and_removes_the_app(self, authorised, suite, prefix):
        states = []
        for minutes, switch in enumerate(["stop", "restore", "remove"]):
            document = load_event(f"{prefix}org_micro_app_{switch}")
            agent_id = tenant().agents[0]["agent_id"]
            moment = PLATFORM_TIME_MS + 600_000 + minutes * 60_000
            if prefix:
                document |= {"AgentId": agent_id, "TimeStamp": moment}
            else:
                data = json.loads(document["bizData"][0]["biz_data"]) | {"agentId": agent_id}
                document["bizData"][0] |= {"biz_data": json.dumps(data), "gmt_modified": moment}
            handle(suite, document)
            states.append(tenant().state)

        assert states == [TenantState.STOPPED, TenantState.ACTIVE, TenantState.STOPPED]

    def test_who_sees_the_app_is_read_from_text(self, authorised, suite):
        handle(suite, load_event("org_micro_app_scope_update"))

        visible = tenant().auth_scope["visible_by_agent"]["2718281828"]
        assert (visible["user_ids"], visible["dept_ids"]) == (["manager0407", "clerk0009"], ["1", "20488"])

    @pytest.mark.parametrize("name", ["suite_ticket", "legacy_suite_ticket"])
    def test_a_ticket_wakes_who_waits_for_one(self, authorised, suite, name):
        Tenant.objects.update(waiting_for=WaitingFor.SUITE_TICKET, next_reconcile_at=None)
        AccessToken.objects.update(retry_at=timezone.now())

        handle(suite, load_event(name))

        assert tenant().next_reconcile_at <= timezone.now()
        assert AccessToken.objects.get().retry_at is None

    def test_a_ticket_wakes_nobody_of_another_suite_and_nobody_who_waits_for_something_else(
        self, authorised, suite
    ):
        other = make_suite(suite_key="suiteother0000001", suite_id="9")
        Tenant.objects.update(waiting_for=WaitingFor.OPERATOR)

        handle(suite, load_event("suite_ticket"))
        Tenant.objects.update(waiting_for=WaitingFor.SUITE_TICKET)
        handle(other, load_event("suite_ticket"))

        assert tenant().next_reconcile_at is None


HOSTILE = [
    pytest.param(legacy("tmp_auth_code", minutes=9), id="a code without its text"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode=""), id="an empty code"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode={"a": 1}), id="a code that is an object"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode=True), id="a code that is a truth value"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode="x" * 600), id="an endless code"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode="a\x00b"), id="a code with NUL"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode="c", AuthCorpId=""), id="a code of nobody"),
    pytest.param(legacy("tmp_auth_code", minutes=9, AuthCode="c", AuthCorpId=[1]), id="a code of a list"),
    pytest.param(legacy("suite_relieve", minutes=9, AuthCorpId=""), id="a withdrawal of nobody"),
    pytest.param(legacy("suite_relieve", minutes=9, AuthCorpId="x" * 65), id="a withdrawal of a long id"),
    pytest.param(legacy("suite_relieve", minutes=9, AuthCorpId="d\x00"), id="a withdrawal with NUL"),
    pytest.param(legacy("suite_relieve", minutes=9, CorpId="dingother"), id="a withdrawal of two companies"),
    pytest.param(legacy("change_auth", minutes=9, AuthCorpId=None), id="a scope change of nobody"),
    pytest.param(legacy("org_micro_app_stop", minutes=9), id="a stop without an agent"),
    pytest.param(legacy("org_micro_app_stop", minutes=9, AgentId="all"), id="a stop of a word"),
    pytest.param(legacy("org_micro_app_stop", minutes=9, AgentId=10**40), id="a stop of a huge number"),
    pytest.param(legacy("org_micro_app_stop", minutes=9, AgentId=[1]), id="a stop of a list"),
    pytest.param(
        sync("org_suite_auth", minutes=9, auth_corp_info={"corpid": "dingother"}), id="a grant of another"
    ),
    pytest.param(
        sync("org_suite_auth", minutes=9, auth_corp_info={"corpid": [CORP_ID]}), id="a grant of a list"
    ),
    pytest.param(sync("org_micro_app_stop", minutes=9, biz_type=7), id="a row that stops no agent"),
    pytest.param(sync("org_micro_app_scope_update", minutes=9, biz_type=7), id="a row that shows no agent"),
    pytest.param(sync("org_suite_destroy", minutes=9), id="an unknown event"),
    pytest.param(legacy("ORG_SUITE_RELIEVE", minutes=9), id="an event in capitals"),
]


@pytest.mark.parametrize("document", HOSTILE)
def test_what_cannot_be_read_is_dead_or_ignored_at_once_and_changes_nothing(authorised, suite, document):
    before = everything()

    events = handle(suite, document)

    assert {event.state for event in events} <= {EventState.DEAD, EventState.IGNORED}
    assert all(event.last_error or event.note for event in events)
    assert everything() == before


class TestOddFields:
    """What is odd in a detail is left out; the rest counts."""

    def test_a_level_beyond_any_column_does_not_cost_the_grant(self, suite):
        profile = {"corpid": CORP_ID, "corp_name": "n\x00ame", "auth_level": 2**40, "is_authenticated": "?"}

        events = handle(suite, sync("org_suite_auth", auth_corp_info=profile))

        assert events[0].state == EventState.HANDLED
        assert (tenant().corp.name, tenant().corp.auth_level) == ("name", None)

    def test_agents_that_are_none_are_left_out_and_the_rest_is_fetched(self, suite):
        agents = [{"agentid": 2**70}, "agent", None, {"agent_name": "no id"}]

        handle(suite, sync("org_suite_auth", auth_info={"agent": agents}))

        assert tenant().agents == []
        assert tenant().auth_info_due

    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ('["a", 1]', ["a", "1"]),
            (["a", 1], ["a", "1"]),
            ('["a\\u0000", "\\ud800", true, null, {}, [], 1.5, "b"]', ["\ufffd", "b"]),
            ("[" * 100_000, None),
            ("[" * 5_000 + "]" * 5_000, None),
            ("[1" + "0" * 6_000 + "]", None),
            ("not JSON", None),
            ('{"a": 1}', None),
            ("[NaN]", None),
            (7, None),
        ],
    )
    def test_who_sees_the_app_is_who_can_be_read(self, authorised, suite, text, stored):
        event = handle(
            suite,
            sync("org_micro_app_scope_update", minutes=9, biz_type=7, agentId=5, userVisibleScopes=text),
        )[0]

        assert event.state == EventState.HANDLED
        assert tenant().auth_scope["visible_by_agent"]["5"]["user_ids"] == stored


class TestOrder:
    def test_an_older_event_is_ignored_and_says_why(self, authorised, suite):
        handle(suite, sync("org_suite_auth", minutes=60))
        before = everything()

        event = handle(suite, sync("org_suite_auth", minutes=1))[0]

        assert event.state == EventState.IGNORED
        assert "older" in event.note
        assert everything() == before

    def test_the_same_event_by_both_ways_counts_once(self, authorised, suite):
        handle(suite, sync("org_suite_relieve", minutes=5))
        generation = tenant().generation

        handle(suite, legacy("suite_relieve", minutes=5))

        assert tenant().generation == generation

    def test_a_code_delivered_three_times_is_one_code(self, suite):
        for attempt in range(3):
            handle(suite, legacy("tmp_auth_code", minutes=attempt, AuthCode="the code"))

        assert tenant().tmp_auth_codes.count() == 1


@pytest.mark.parametrize("corp_id", ["\ud800", "ding corp", "ding/corp", "\u516c\u53f8", "ding\u202ecorp"])
def test_a_text_that_can_be_no_corp_id_becomes_no_tenant(suite: Suite, corp_id: str) -> None:
    [event] = handle(suite, legacy("tmp_auth_code", AuthCorpId=corp_id, AuthCode="code-1"))

    assert event.state == EventState.DEAD
    assert not Tenant.objects.exists()
