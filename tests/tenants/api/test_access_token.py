"""Handing out tokens: to whom, for which tenant in which state, and at what cost."""

import json
import logging
from datetime import timedelta

import pytest
import responses
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dingtalk.foundation.models import AuditEntry
from dingtalk.models import SuiteTicket
from tenants.models import AccessToken, Tenant, TenantState
from tenants.unknown_companies import QUESTIONS_PER_MINUTE
from tests.tenants.api.conftest import OTHER_SUITE_KEY, TOKEN, call, code_of, store_token, token_url

CORP_ID = "dingcorp0001"
V1_TOKEN_URL = "https://api.dingtalk.com/v1.0/oauth2/corpAccessToken"
AUTH_INFO_URL = "https://oapi.dingtalk.com/service/get_auth_info"

pytestmark = pytest.mark.django_db


@pytest.fixture
def dingtalk():
    """DingTalk at the other end of the wire; a call that a test does not expect fails it."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


@pytest.fixture
def ticket(suite):
    now = timezone.now()
    return SuiteTicket.objects.create(
        suite=suite, ticket="ticket-0123456789", digest="0" * 64, platform_time=now, received_at=now
    )


def test_an_app_gets_the_token_and_when_it_ends(app, make_tenant):
    make_tenant(CORP_ID)

    answer = app.get(token_url(CORP_ID))

    body = answer.json()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert (body["suite_key"], body["corp_id"], body["access_token"]) == ("suitekey0001", CORP_ID, TOKEN)
    assert 7100 < body["expires_in"] <= 7200
    assert body["expires_at"].endswith("Z")
    left = parse_datetime(body["expires_at"]) - timezone.now()
    assert abs(left.total_seconds() - body["expires_in"]) < 5


def test_a_fresh_token_costs_one_query(app, make_tenant, django_assert_num_queries):
    make_tenant(CORP_ID)
    app.get(token_url(CORP_ID))

    with django_assert_num_queries(1):
        app.get(token_url(CORP_ID))


@pytest.mark.parametrize(
    "state",
    [
        TenantState.AUTHORIZING,
        TenantState.ACTIVATING,
        TenantState.STOPPED,
        TenantState.RELIEVED,
        TenantState.NEEDS_REAUTH,
        TenantState.FAILED,
    ],
)
def test_a_tenant_that_is_not_active_gets_none(app, make_tenant, state):
    tenant = make_tenant(CORP_ID, state=state)
    store_token(tenant)

    answer = app.get(token_url(CORP_ID))

    assert (answer.status_code, code_of(answer)) == (409, "tenant_not_active")
    assert answer.json()["errors"][0]["state"] == state
    assert TOKEN not in answer.content.decode()
    is_on_its_way = state in (TenantState.AUTHORIZING, TenantState.ACTIVATING)
    assert answer.has_header("Retry-After") == is_on_its_way


def test_from_the_moment_of_the_withdrawal_there_is_no_token(app, make_tenant):
    make_tenant(CORP_ID)
    assert app.get(token_url(CORP_ID)).status_code == 200

    Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None)

    assert app.get(token_url(CORP_ID)).status_code == 409


class TestMinTtl:
    """How long the token must last."""

    @pytest.mark.parametrize("min_ttl", [0, 1, 60, 3600])
    def test_a_token_that_lasts_is_given(self, app, make_tenant, min_ttl):
        make_tenant(CORP_ID)

        assert app.get(token_url(CORP_ID), {"min_ttl": min_ttl}).status_code == 200

    @pytest.mark.parametrize("min_ttl", ["-1", "3601", "1e3", "x", "9" * 2000, "1.5", "\0", "nan", "true"])
    def test_anything_else_is_a_400(self, app, make_tenant, min_ttl):
        make_tenant(CORP_ID)

        answer = app.get(token_url(CORP_ID), {"min_ttl": min_ttl})

        assert (answer.status_code, answer.json()["type"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["attr"] == "min_ttl"

    def test_a_token_that_does_not_last_is_renewed(self, app, make_tenant, ticket, dingtalk):
        tenant = make_tenant(CORP_ID)
        AccessToken.objects.filter(tenant=tenant).update(expires_at=timezone.now() + timedelta(seconds=100))
        dingtalk.post(V1_TOKEN_URL, json={"accessToken": "token-of-the-renewal", "expireIn": 7200})

        patient, demanding = app.get(token_url(CORP_ID)), app.get(token_url(CORP_ID), {"min_ttl": 120})

        assert patient.json()["access_token"] == TOKEN
        assert demanding.json()["access_token"] == "token-of-the-renewal"

    def test_a_parameter_that_is_unknown_is_a_400(self, app, make_tenant):
        make_tenant(CORP_ID)

        assert code_of(app.get(token_url(CORP_ID), {"minttl": 60})) == "unknown_parameter"


class TestRefusalsOfDingTalk:
    """When there is no token to be had."""

    @pytest.fixture(autouse=True)
    def _tenant_without_token(self, make_tenant):
        make_tenant(CORP_ID)
        AccessToken.objects.all().delete()

    def test_its_code_and_request_id_are_passed_on(self, app, ticket, dingtalk):
        refusal = {"code": "invalidSuiteKey", "message": "suite key illegal", "requestid": "REQ-1"}
        dingtalk.post(V1_TOKEN_URL, json=refusal, status=400)

        answer = app.get(token_url(CORP_ID))

        error = answer.json()["errors"][0]
        assert (answer.status_code, error["code"]) == (503, "token_unavailable")
        assert (error["dingtalk_code"], error["dingtalk_request_id"]) == ("invalidSuiteKey", "REQ-1")
        assert int(answer["Retry-After"]) >= 1

    def test_without_a_ticket_the_answer_says_when_to_ask_again(self, app):
        answer = app.get(token_url(CORP_ID))

        assert (answer.status_code, code_of(answer)) == (503, "token_unavailable")
        assert int(answer["Retry-After"]) >= 1
        assert "dingtalk_code" not in answer.json()["errors"][0]

    def test_a_page_of_html_is_a_503_too(self, app, ticket, dingtalk):
        dingtalk.post(V1_TOKEN_URL, body="<html>502 Bad Gateway</html>", status=502)

        assert app.get(token_url(CORP_ID)).status_code == 503


class TestUncoveredTenants:
    """What the key does not cover gets the answer of what is not there, and DingTalk is not asked."""

    @pytest.fixture
    def covered(self, make_tenant):
        return make_tenant(CORP_ID)

    @pytest.mark.parametrize("corp_id", ["dingcorp0002", "dingnobody", "ding%00", "d" * 65, "%E4%BC%81"])
    def test_of_the_named_tenants_suite(self, covered, make_tenant, make_app, ticket, dingtalk, corp_id):
        make_tenant("dingcorp0002")

        answer = make_app(tenants=[covered]).get(token_url(corp_id))

        assert (answer.status_code, code_of(answer)) == (404, "tenant_not_found")

    @pytest.mark.parametrize("corp_id", [CORP_ID, "dingnobody"])
    @pytest.mark.parametrize("suite_key", [OTHER_SUITE_KEY, "nosuchsuite", "suite%00", "s" * 129])
    def test_of_another_suite(self, app, make_tenant, other_suite, dingtalk, suite_key, corp_id):
        make_tenant(CORP_ID, on=other_suite)

        answer = app.get(token_url(corp_id, suite_key))

        assert (answer.status_code, code_of(answer)) == (404, "tenant_not_found")

    def test_hidden_and_missing_cost_the_same_work(
        self, covered, make_tenant, make_app, other_suite, django_assert_num_queries
    ):
        make_tenant("dingcorp0002")
        make_tenant("dingcorp0002", on=other_suite)
        narrow, wide = make_app(tenants=[covered]), make_app("报销后台")
        for app in (narrow, wide):
            app.get(token_url(CORP_ID))

        for app, urls, queries in (
            (narrow, [token_url("dingcorp0002"), token_url("dingnobody")], 3),
            (wide, [token_url("dingcorp0002", OTHER_SUITE_KEY), token_url("dingcorp0002", "nosuchsuite")], 4),
        ):
            for url in urls:
                with django_assert_num_queries(queries):
                    assert app.get(url).status_code == 404


@pytest.mark.usefixtures("ticket")
class TestUnknownCompanies:
    """A company whose authorisation was never pushed is looked for at DingTalk."""

    GRANTED = {
        "errcode": 0,
        "auth_corp_info": {"corpid": CORP_ID, "corp_name": "杭州云栖科技"},
        "auth_info": {"agent": [{"agentid": 1001, "appid": 55, "agent_name": "考勤", "admin_list": []}]},
    }
    UNKNOWN = {"errcode": 41030, "errmsg": "not authorised", "request_id": "REQ-2"}

    def test_one_that_dingtalk_knows_is_a_tenant_on_its_way(self, app, dingtalk):
        dingtalk.post(AUTH_INFO_URL, json=self.GRANTED)

        answer = app.get(token_url(CORP_ID))

        assert (answer.status_code, code_of(answer)) == (409, "tenant_not_active")
        assert answer.json()["errors"][0]["state"] == "authorizing"
        assert answer["Retry-After"] == "2"
        assert Tenant.objects.get().corp.name == "杭州云栖科技"

    def test_one_that_dingtalk_does_not_know_is_asked_for_once_a_minute(self, app, dingtalk):
        dingtalk.post(AUTH_INFO_URL, json=self.UNKNOWN)

        answers = [app.get(token_url(CORP_ID)) for _ in range(3)]

        assert [code_of(answer) for answer in answers] == ["tenant_not_found"] * 3
        assert len(dingtalk.calls) == 1
        assert not Tenant.objects.exists()

    def test_what_cannot_be_a_corp_id_is_not_asked_for(self, app, dingtalk):
        for corp_id in ("ding%00", "ding%0A", "d" * 65, "%E4%BC%81%E4%B8%9A", "a%20b", "%FF%FE", "%25"):
            assert code_of(app.get(token_url(corp_id))) == "tenant_not_found"

        assert len(dingtalk.calls) == 0

    def test_when_dingtalk_fails_the_answer_is_503_with_its_code(self, app, dingtalk):
        dingtalk.post(AUTH_INFO_URL, json={"errcode": -1, "errmsg": "busy", "request_id": "REQ-3"})

        answer = app.get(token_url(CORP_ID))

        error = answer.json()["errors"][0]
        assert (answer.status_code, error["code"]) == (503, "token_unavailable")
        assert (error["dingtalk_code"], error["dingtalk_request_id"]) == ("-1", "REQ-3")

    def test_without_a_ticket_nobody_can_be_asked(self, app):
        SuiteTicket.objects.all().delete()

        assert app.get(token_url(CORP_ID)).status_code == 503

    def test_one_app_asks_only_so_often_a_minute(self, app, dingtalk, time_machine):
        time_machine.move_to(timezone.now().replace(second=5, microsecond=0), tick=False)
        dingtalk.post(AUTH_INFO_URL, json=self.UNKNOWN)

        answers = [app.get(token_url(f"dingnobody{number}")) for number in range(QUESTIONS_PER_MINUTE + 1)]

        assert {answer.status_code for answer in answers[:-1]} == {404}
        assert (answers[-1].status_code, answers[-1]["Retry-After"]) == (503, "55")
        assert len(dingtalk.calls) == QUESTIONS_PER_MINUTE

    def test_while_one_caller_asks_for_a_company_the_others_are_told_to_come_back(self, app, dingtalk):
        answers = []

        def answer_while_another_calls(_request):
            answers.append(app.get(token_url(CORP_ID)))
            return 200, {}, json.dumps(self.GRANTED)

        dingtalk.add_callback("POST", AUTH_INFO_URL, answer_while_another_calls)

        assert app.get(token_url(CORP_ID)).status_code == 409

        assert (answers[0].status_code, answers[0]["Retry-After"]) == (503, "1")
        assert len(dingtalk.calls) == 1

    def test_a_hanging_dingtalk_holds_two_threads_of_a_process_and_no_more(self, app, dingtalk):
        answers = []

        def answer_while_another_calls(_request):
            answers.append(app.get(token_url(f"dingother{len(answers)}")))
            return 200, {}, json.dumps(self.UNKNOWN)

        dingtalk.add_callback("POST", AUTH_INFO_URL, answer_while_another_calls)

        assert app.get(token_url(CORP_ID)).status_code == 404

        assert [answer.status_code for answer in answers] == [503, 404]
        assert len(dingtalk.calls) == 2

    def test_showing_a_tenant_asks_nobody(self, app, dingtalk):
        assert app.get(f"/api/v1/tenants/suitekey0001/{CORP_ID}").status_code == 404

        assert len(dingtalk.calls) == 0


def test_who_got_a_token_is_in_the_log_each_time_and_audited_once_an_hour(app, make_tenant, caplog):
    tenant = make_tenant(CORP_ID)
    caplog.set_level(logging.INFO)

    for _ in range(3):
        app.get(token_url(CORP_ID))

    assert caplog.text.count("A tenant app got a token") == 3
    [entry] = AuditEntry.objects.filter(action="access_token.read")
    assert (entry.actor_kind, entry.actor, entry.object_id) == ("api_client", "考勤后台", str(tenant.pk))
    assert (entry.source_ip, entry.details["key_prefix"]) == ("127.0.0.1", app.key.prefix)
    assert entry.request_id


def test_the_token_is_nowhere_but_in_the_answer(app, make_tenant, caplog):
    make_tenant(CORP_ID)
    caplog.set_level(logging.DEBUG)

    answer = app.get(token_url(CORP_ID))

    assert answer.content.decode().count(TOKEN) == 1
    assert TOKEN not in caplog.text + repr([vars(record) for record in caplog.records])
    assert TOKEN not in json.dumps(dict(answer.headers)) + repr(AuditEntry.objects.values_list())


def test_without_a_key_nothing_is_said(make_tenant):
    make_tenant(CORP_ID)

    assert TOKEN not in call(token_url(CORP_ID)).content.decode()
