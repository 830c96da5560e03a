"""The Python of docs/rest-api.md, run from top to bottom against the portal and the simulator."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Suite
from tenants import api_clients, api_keys
from tenants.models import Scope
from tests.support.onboarding import grant_arrives, reconciled
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, suite, upstream

__all__ = ["suite", "upstream"]

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PERSON = "manager01"
BY_WHOM: dict[str, Any] = {"actor": Actor(kind=ActorKind.OPERATOR, name="wang")}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def isv_key(upstream: Upstream, suite: Suite) -> str:
    """A key that may do all that the page shows, for an active company."""
    Suite.objects.filter(pk=suite.pk).update(js_domains="app.example.com")
    reconciled(grant_arrives(suite, upstream.authorize()))
    client = api_clients.create_client(
        name="page", scopes=list(Scope), suites=[suite], tenants=None, now=timezone.now(), **BY_WHOM
    )
    paths = ["/topapi/v2/user/get"]
    _key, text = api_keys.create_key(
        client=client, label="", expires_at=None, proxy_paths=paths, now=timezone.now(), **BY_WHOM
    )
    return text


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, live_server: Any, isv_key: str) -> SimpleNamespace:
    """What the page's Python leaves behind."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "examples"))
    text = (ROOT / "docs" / "rest-api.md").read_text(encoding="utf-8")
    ours = {
        "https://portal.example.com": live_server.url,
        "suitekey0001": SUITE_KEY,
        "ding0123456789": CORP_ID,
        "zhangsan": PERSON,
    }
    for theirs, value in ours.items():
        text = text.replace(theirs, value)
    names: dict[str, Any] = {"isv_key": isv_key}
    for indent, block in BLOCK.findall(text):
        exec(re.sub(rf"^{indent}", "", block, flags=re.MULTILINE), names)
    return SimpleNamespace(**names)


def test_each_example_does_what_the_page_says(page: SimpleNamespace, upstream: Upstream) -> None:
    assert page.tenant["corp_id"] == CORP_ID
    assert page.config["url"] == "https://app.example.com/home?tab=待办"
    assert page.person["user_id"] == PERSON
    assert page.title == page.person["title"]
    [message] = upstream.remote.messages(SUITE_KEY, CORP_ID, PERSON)
    assert message["recalled"]
    assert page.read_on(None) is None


def test_people_log_in_by_its_examples(page: SimpleNamespace, upstream: Upstream) -> None:
    in_app = upstream.remote.login_code(SUITE_KEY, CORP_ID, PERSON)
    web = upstream.remote.login_code(SUITE_KEY, CORP_ID, PERSON, kind="web", scope="openid corpid")
    state = page.address.state

    assert page.opened_by(in_app) == PERSON
    assert parse_qs(urlsplit(page.address.url).query)["state"] == [state]
    with pytest.raises(PermissionError):
        page.came_back(web, state, "another")
    assert page.came_back(web, state, state) == page.person["union_id"]
