"""A suite on the simulated platform, a company that has authorised it, one that has not, and apps of ours."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Suite
from dingtalk.protocol.grant import read_grant
from tenants import api_clients, api_keys, services
from tenants.models import ApiClient, Scope, Tenant, TenantState
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, upstream

__all__ = ["upstream"]

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="li.lei")
OTHER_CORP_ID = "dingcorp00000002"
REDIRECT_URI = "https://app.example.com/login/done?next=%2Fhome"
OAUTH = f"/api/v1/suites/{SUITE_KEY}/oauth"
IN_APP_URL = f"/api/v1/tenants/{SUITE_KEY}/{CORP_ID}/login"
SSO_URL = f"/api/v1/suites/{SUITE_KEY}/sso/login"


@dataclass
class App:
    """A tenant app with its key."""

    client: ApiClient
    text: str

    def post(self, url: str, body: Any) -> HttpResponse:
        """Call as a program does; a failure of ours is an answer, not an exception in the test."""
        program = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
        return program.post(
            url, body, content_type="application/json", headers={"Authorization": f"Bearer {self.text}"}
        )

    def begin(self, **choice: Any) -> Any:
        """Begin a login in a browser: the answer."""
        answer = self.post(f"{OAUTH}/login-url", {"redirect_uri": REDIRECT_URI, **choice})
        assert answer.status_code == 200, answer.content
        return answer.json()

    def exchange(self, code: str, state: str) -> HttpResponse:
        return self.post(f"{OAUTH}/exchange", {"code": code, "state": state})

    def refresh(self, session: str) -> HttpResponse:
        return self.post(f"{OAUTH}/refresh", {"session": session})


def code_of(answer: HttpResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    [error] = answer.json()["errors"]
    return answer.status_code, error["code"]


def choose(url: str, name: str) -> dict[str, str]:
    """Click on somebody of DingTalk's page: what the browser is sent back to the app with."""
    page = requests.get(url, timeout=5)
    assert page.status_code == 200, page.text
    links = {
        text.split(" · ")[0]: unescape(link)
        for link, text in re.findall(r'<a href="([^"]+)">([^<]+)</a>', page.text)
    }
    base_url = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    sent_back = requests.get(base_url + links[name], timeout=5, allow_redirects=False)
    assert sent_back.status_code == 302
    target = sent_back.headers["Location"]
    assert target.startswith(REDIRECT_URI)
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def suite(db: None, upstream: Upstream) -> Suite:
    """The suite of the platform, set up for the admin console too."""
    known = upstream.remote.suite(SUITE_KEY)
    suite = upstream.register_suite(isv_corp_id=known["isv_corp_id"], sso_secret=known["sso_secret"])
    upstream.deliver_ticket(suite)
    people = [{"userid": "wangwu", "name": "王五"}]
    company = {"corp_id": OTHER_CORP_ID, "name": "深圳前海贸易", "users": people}
    upstream.remote._call("POST", "/_sim/companies", company)
    return suite


@pytest.fixture
def tenant(upstream: Upstream, suite: Suite) -> Tenant:
    """A company that has authorised the suite, there and here."""
    upstream.authorize()
    return store_tenant(suite, CORP_ID)


def store_tenant(suite: Suite, corp_id: str, *, state: str = TenantState.ACTIVE) -> Tenant:
    """Our row of a company's authorisation."""
    now = timezone.now()
    grant = read_grant({"auth_corp_info": {"corpid": corp_id}}, corp_id=corp_id)
    services.authorize_tenant(
        suite=suite, corp_id=corp_id, grant=grant, platform_time=now, now=now, reason="org_suite_auth"
    )
    Tenant.objects.filter(corp__corp_id=corp_id).update(state=state, next_reconcile_at=None)
    return Tenant.objects.get(corp__corp_id=corp_id)


@pytest.fixture
def make_app(suite: Suite) -> Callable[..., App]:
    """An app that logs people in; by default to all companies of the suite."""

    def _make_app(
        name: str = "考勤后台",
        *,
        suites: list[Suite] | None = None,
        tenants: list[Tenant] | None = None,
        scopes: tuple[Scope, ...] = (Scope.LOGIN,),
    ) -> App:
        now = timezone.now()
        client = api_clients.create_client(
            name=name, scopes=scopes, suites=suites or [suite], tenants=tenants, now=now, actor=OPERATOR
        )
        _key, text = api_keys.create_key(client=client, now=now, actor=OPERATOR, label="", expires_at=None)
        return App(client=client, text=text)

    return _make_app


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    return make_app()


@pytest.fixture
def relieve(tenant: Tenant) -> Callable[[], None]:
    """Let the company withdraw its authorisation."""

    def _relieve() -> None:
        now = timezone.now()
        services.relieve_tenant(
            suite=tenant.suite, corp_id=CORP_ID, platform_time=now, now=now, reason="org_suite_relieve"
        )

    return _relieve
