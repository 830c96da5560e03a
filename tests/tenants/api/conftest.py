"""Two suites, their companies, and apps that may see some of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Suite
from tenants import api_clients, api_keys
from tenants.models import AccessToken, ApiClient, ApiKey, AuthCorp, Scope, Tenant, TenantState, TokenKind
from tests.support.wsgi import WholeClient
from tests.tenants.conftest import make_suite

SUITE_KEY, OTHER_SUITE_KEY = "suitekey0001", "suitekey0002"
TOKEN = "corp-access-token-0123456789abcdef"
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="li.lei")
LIST_URL = "/api/v1/tenants"


def detail_url(corp_id: str, suite_key: str = SUITE_KEY) -> str:
    return f"/api/v1/tenants/{suite_key}/{corp_id}"


def token_url(corp_id: str, suite_key: str = SUITE_KEY) -> str:
    return f"{detail_url(corp_id, suite_key)}/access-token"


@dataclass
class App:
    """A tenant app with its key, which it shows with each call."""

    client: ApiClient
    key: ApiKey
    text: str = field(repr=False)

    def get(self, url: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return call(url, query, Authorization=f"Bearer {self.text}", **headers)


def call(url: str, query: dict[str, Any] | None = None, method: str = "get", **headers: str) -> HttpResponse:
    """Call as a program does: no cookies; a failure of ours is an answer, not an exception in the test."""
    browser = WholeClient(raise_request_exception=False, headers={"Accept-Language": "en"})
    return getattr(browser, method)(url, query, headers=headers)


def code_of(answer: HttpResponse) -> str:
    """The code of the only error of an answer, whose shape is checked."""
    body = answer.json()
    assert set(body) == {"type", "errors"}
    [error] = body["errors"]
    assert {"code", "detail", "attr"} <= set(error)
    return error["code"]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def other_suite(suite: Suite) -> Suite:
    return make_suite(name="报销助手", suite_id="900002", suite_key=OTHER_SUITE_KEY)


@pytest.fixture
def make_tenant(suite: Suite) -> Callable[..., Tenant]:
    """A company on a suite in some state, with a fresh token when it is active."""

    def _make_tenant(
        corp_id: str, *, on: Suite | None = None, state: str = TenantState.ACTIVE, **changes: Any
    ) -> Tenant:
        corp, _ = AuthCorp.objects.get_or_create(corp_id=corp_id, defaults={"name": f"公司 {corp_id}"})
        code = None if state == TenantState.RELIEVED else f"permanent-code-of-{corp_id}"
        tenant = Tenant.objects.create(
            suite=on or suite, corp=corp, state=state, permanent_code=code, **changes
        )
        if state == TenantState.ACTIVE:
            store_token(tenant)
        return tenant

    return _make_tenant


def store_token(tenant: Tenant, *, seconds: float = 7200) -> AccessToken:
    now = timezone.now()
    return AccessToken.objects.create(
        kind=TokenKind.CORP,
        suite=tenant.suite,
        tenant=tenant,
        token=TOKEN,
        issued_at=now,
        expires_at=now + timedelta(seconds=seconds),
        refresh_at=now + timedelta(seconds=seconds - 600),
    )


@pytest.fixture
def make_app(suite: Suite) -> Callable[..., App]:
    """An app; by default it sees all tenants of the first suite and may do everything."""

    def _make_app(
        name: str = "考勤后台",
        *,
        suites: list[Suite] | None = None,
        tenants: list[Tenant] | None = None,
        scopes: tuple[Scope, ...] = (Scope.TENANTS_READ, Scope.TOKENS_READ),
        **key_options: Any,
    ) -> App:
        now = timezone.now()
        client = api_clients.create_client(
            name=name, scopes=scopes, suites=suites or [suite], tenants=tenants, now=now, actor=OPERATOR
        )
        options = {"label": "", "expires_at": None, **key_options}
        key, text = api_keys.create_key(client=client, now=now, actor=OPERATOR, **options)
        return App(client=client, key=key, text=text)

    return _make_app


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    return make_app()
