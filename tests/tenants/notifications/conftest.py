"""A company on the simulated platform that has authorised our suite, and an app that sends to its people."""

import itertools
import json
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
from tenants.models import ApiKey, Scope, Tenant, TenantState
from tests.support.onboarding import grant_arrives, tenant_row
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, suite, upstream

__all__ = ["suite", "upstream"]

URL = f"/api/v1/tenants/{SUITE_KEY}/{CORP_ID}/notifications"
SEND = "/topapi/message/corpconversation/asyncsend_v2"
HELLO = {"msgtype": "text", "text": {"content": "canary-content 张三"}}
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="li.lei")


def says(text: str) -> dict[str, Any]:
    """A text message."""
    return {"msgtype": "text", "text": {"content": text}}


@dataclass
class App:
    """A tenant app with its key."""

    key: ApiKey
    text: str = field(repr=False)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def call(
        self, method: str, url: str, body: Any = None, query: Any = None, **headers: str
    ) -> HttpResponse:
        browser = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
        headers = {"Authorization": f"Bearer {self.text}", **headers}
        if method == "get":
            return browser.get(url, query, headers=headers)
        data = body if isinstance(body, bytes) else json.dumps(body)
        return browser.post(url, data, content_type="application/json", headers=headers)

    def send(self, *, idempotency_key: str | None = None, url: str = URL, **body: Any) -> HttpResponse:
        """Send a greeting to Zhang San, unless something else is said; by default under a new key."""
        key = idempotency_key or f"key-{next(self._numbers)}"
        if "template" not in body:
            body.setdefault("message", HELLO)
        body = {"user_ids": ["zhangsan"], **body}
        return self.call("post", url, body, **{"Idempotency-Key": key})


def error_of(answer: HttpResponse) -> dict[str, Any]:
    """The only error of an answer."""
    [error] = answer.json()["errors"]
    return error


def refusal(answer: HttpResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, error_of(answer)["code"]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def tenant(db: None, suite: Suite, upstream: Upstream, settings: Any) -> Tenant:
    """The company, active; an answer that takes long on a busy machine is not a lost one."""
    settings.DINGTALK_READ_TIMEOUT_SECONDS = 10.0
    grant_arrives(suite, upstream.authorize())
    Tenant.objects.update(state=TenantState.ACTIVE, next_reconcile_at=None)
    return tenant_row()


@pytest.fixture
def make_app(suite: Suite) -> Callable[..., App]:
    def _make_app(name: str = "考勤后台", *, scopes: tuple[Scope, ...] = (Scope.MESSAGES_SEND,)) -> App:
        now = timezone.now()
        client = api_clients.create_client(
            name=name, scopes=scopes, suites=[suite], tenants=None, now=now, actor=OPERATOR
        )
        key, text = api_keys.create_key(client=client, label="", expires_at=None, now=now, actor=OPERATOR)
        return App(key=key, text=text)

    return _make_app


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    return make_app()


@pytest.fixture
def inbox(upstream: Upstream) -> Callable[[str], list[Any]]:
    """What one person has been sent and got, in order."""

    def _inbox(userid: str = "zhangsan") -> list[Any]:
        messages = upstream.remote.messages(SUITE_KEY, CORP_ID, userid)
        return [each["message"] for each in messages if userid in each["delivered_to"]]

    return _inbox
