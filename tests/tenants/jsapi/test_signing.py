"""Signing a page over the API: what is answered, to whom, and that the ticket never is."""

import hashlib
import json
import logging

import pytest

from dingtalk.models import Suite
from tenants.models import AccessToken, AuthCorp, Scope, Tenant, TenantState, TokenKind
from tests.support.onboarding import switch_arrives
from tests.tenants.jsapi.conftest import PAGE, URL, code_of

pytestmark = pytest.mark.django_db


def ticket() -> str:
    return AccessToken.objects.get(kind=TokenKind.JSAPI).token


def signed_over(config: dict, algorithm: str = "sha256") -> str:
    """The signature of what was answered, worked out here."""
    text = (
        f"jsapi_ticket={ticket()}&noncestr={config['nonce_str']}"
        f"&timestamp={config['time_stamp']}&url={config['url']}"
    )
    return hashlib.new(algorithm, text.encode()).hexdigest()


def test_a_page_is_signed_with_all_that_dd_config_wants(app, tenant):
    answer = app.sign(
        "https://app.example.com:8443/a%20b?n=%E9%92%89+x#top", js_api_list=["dd.device.base.x"]
    )

    config = answer.json()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert config["url"] == "https://app.example.com:8443/a%20b?n=钉 x"
    assert config["signature"] == signed_over(config)
    assert config["agent_id"] == tenant.agents[0]["agent_id"]
    assert (config["corp_id"], config["type"], config["algorithm"]) == (tenant.corp.corp_id, 0, "sha256")
    assert config["js_api_list"] == ["device.base.x"]
    assert set(config) == {
        *("agent_id", "corp_id", "time_stamp", "nonce_str", "signature", "type"),
        *("js_api_list", "algorithm", "url"),
    }


def test_old_scripts_get_sha1(app, tenant):
    config = app.sign(algorithm="sha1").json()

    assert config["signature"] == signed_over(config, "sha1")
    assert config["algorithm"] == "sha1"


def test_each_signature_has_a_nonce_of_its_own_and_one_ticket_serves_all(app, tenant, upstream):
    first, second = app.sign().json(), app.sign().json()

    assert first["nonce_str"] != second["nonce_str"]
    assert upstream.count("/v1.0/oauth2/jsapiTickets") == 1


def test_a_page_that_is_not_on_the_suites_domains_is_not_signed_and_nobody_is_asked(app, tenant, upstream):
    for url in ("https://evil.example/", "https://app.example.com@evil.example/", "x"):
        assert code_of(app.sign(url)) == (400, "url_not_allowed")

    assert upstream.count("/v1.0/oauth2/jsapiTickets") == 0


def test_where_no_domain_is_listed_nothing_is_signed(app, tenant):
    Suite.objects.update(js_domains="")

    assert code_of(app.sign()) == (400, "url_not_allowed")


class TestAgents:
    """As which agent the page acts."""

    def test_one_that_the_company_has_may_be_named(self, app, tenant):
        agent_id = tenant.agents[0]["agent_id"]

        assert app.sign(agent_id=agent_id).json()["agent_id"] == agent_id

    def test_another_ones_is_refused(self, app, tenant):
        assert code_of(app.sign(agent_id=1)) == (400, "agent_unknown")

    def test_of_several_one_has_to_be_named_unless_only_one_is_switched_on(self, app, tenant, suite):
        first = tenant.agents[0]
        agents = [first, {**first, "agent_id": 77}]
        Tenant.objects.update(agents=agents)
        assert code_of(app.sign()) == (400, "agent_required")
        assert app.sign(agent_id=77).json()["agent_id"] == 77

        switch_arrives(suite, first["agent_id"], is_stopped=True)

        assert app.sign().json()["agent_id"] == 77


WRONG_BODIES = [
    ({}, "url"),
    ({"url": None}, "url"),
    ({"url": ["https://app.example.com/"]}, "url"),
    ({"url": "https://app.example.com/" + "a" * 5000}, "url"),
    ({"url": "https://app.example.com/\0"}, "url"),
    ({"url": PAGE, "algorithm": "md5"}, "algorithm"),
    ({"url": PAGE, "agent_id": "x"}, "agent_id"),
    ({"url": PAGE, "agent_id": -1}, "agent_id"),
    ({"url": PAGE, "agent_id": 2**63}, "agent_id"),
    ({"url": PAGE, "js_api_list": ["a b"]}, "js_api_list.0"),
    ({"url": PAGE, "js_api_list": "all"}, "js_api_list"),
    ({"url": PAGE, "js_api_list": ["a"] * 201}, "js_api_list"),
]


def test_a_body_that_is_wrong_is_a_400_that_names_the_member(app, tenant):
    for body, attr in WRONG_BODIES:
        answer = app.post(URL, json.dumps(body))

        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr), body


def test_a_flood_of_wrong_names_is_answered_in_short(app, tenant):
    answer = app.post(URL, json.dumps({"url": PAGE, "js_api_list": ["-"] * 40_000}))

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "js_api_list")
    assert len(answer.content) < 1_000


class TestWhoMaySign:
    """Scope, coverage, and the state of the tenant."""

    def test_another_scope_is_not_enough(self, make_app, tenant):
        assert code_of(make_app(Scope.TOKENS_READ).sign()) == (403, "insufficient_scope")

    def test_a_tenant_that_the_key_does_not_cover_is_not_there(self, make_app, tenant, upstream):
        corp = AuthCorp.objects.create(corp_id="dingcorp00000002")
        other = Tenant.objects.create(suite=tenant.suite, corp=corp, state=TenantState.ACTIVE)
        app = make_app(Scope.JSAPI_SIGN, tenants=[other])

        answers = [app.sign(), app.post(URL.replace("dingcorp", "dingnone"), {"url": PAGE})]

        assert [code_of(answer) for answer in answers] == [(404, "tenant_not_found")] * 2
        assert answers[0].content == answers[1].content
        assert upstream.count("/v1.0/oauth2/jsapiTickets") == 0

    @pytest.mark.parametrize("state", [TenantState.RELIEVED, TenantState.STOPPED])
    def test_a_tenant_that_is_not_active_gets_none(self, app, tenant, state, upstream):
        app.sign()
        Tenant.objects.update(state=state, permanent_code=None)

        answer = app.sign()

        assert code_of(answer) == (409, "tenant_not_active")
        assert upstream.count("/v1.0/oauth2/jsapiTickets") == 1


def test_when_dingtalk_gives_no_ticket_the_answer_is_503_with_its_code(app, tenant, upstream):
    upstream.fault("/v1.0/oauth2/jsapiTickets", "errcode", code="someNewCode")

    answer = app.sign()

    assert code_of(answer) == (503, "token_unavailable")
    assert answer.json()["errors"][0]["dingtalk_code"] == "someNewCode"
    assert int(answer["Retry-After"]) >= 1


def test_neither_the_ticket_nor_the_page_is_in_a_log_and_the_ticket_in_no_answer(app, tenant, caplog):
    caplog.set_level(logging.DEBUG)

    answer = app.sign("https://app.example.com/?code=canary-in-the-page")

    logged = caplog.text + repr([vars(record) for record in caplog.records])
    assert ticket() not in answer.content.decode() + json.dumps(dict(answer.headers)) + logged
    assert "canary-in-the-page" not in logged
    assert "A page was signed" in caplog.text
