"""A suite with pages on two domains, a company that has authorised it, and an app that may sign."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Suite
from tenants import api_clients, api_keys
from tenants.models import Scope, Tenant
from tests.support.onboarding import grant_arrives, reconciled
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, upstream

__all__ = ["upstream"]

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="li.lei")
PAGE = "https://app.example.com/home?tab=1"
URL = f"/api/v1/tenants/{SUITE_KEY}/{CORP_ID}/jsapi-config"


@dataclass
class App:
    """A tenant app with its key."""

    text: str = field(repr=False)

    def post(self, url: str, body: Any) -> HttpResponse:
        """Call as a program does; a failure of ours is an answer, not an exception in the test."""
        program = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
        headers = {"Authorization": f"Bearer {self.text}"}
        return program.post(url, body, content_type="application/json", headers=headers)

    def sign(self, url: str = PAGE, **members: Any) -> HttpResponse:
        """Have a page of the company signed."""
        return self.post(URL, {"url": url, **members})


def code_of(answer: HttpResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    [error] = answer.json()["errors"]
    return answer.status_code, error["code"]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def suite(upstream: Upstream) -> Suite:
    suite = upstream.register_suite(js_domains="app.example.com\n*.pages.example.org")
    upstream.deliver_ticket(suite)
    return suite


@pytest.fixture
def tenant(upstream: Upstream, suite: Suite) -> Tenant:
    tenant = reconciled(grant_arrives(suite, upstream.authorize()))
    assert tenant.is_active
    return tenant


@pytest.fixture
def make_app(suite: Suite) -> Callable[..., App]:
    def _make_app(*scopes: Scope, name: str = "考勤后台", tenants: list[Tenant] | None = None) -> App:
        now = timezone.now()
        client = api_clients.create_client(
            name=name, scopes=scopes, suites=[suite], tenants=tenants, now=now, actor=OPERATOR
        )
        _key, text = api_keys.create_key(client=client, label="", expires_at=None, now=now, actor=OPERATOR)
        return App(text)

    return _make_app


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    return make_app(Scope.JSAPI_SIGN)
