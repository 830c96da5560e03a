"""The example app, run for real: a person logs in on DingTalk's page and sends a message."""

import re
import sys
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Suite
from tenants import api_clients, api_keys
from tenants.models import Scope
from tests.support.onboarding import grant_arrives, reconciled
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, suite, upstream

__all__ = ["suite", "upstream"]

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
BY_WHOM: dict[str, Any] = {"actor": Actor(kind=ActorKind.OPERATOR, name="wang")}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the example."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import app

    yield app
    for name in ("app", "portal_client"):
        sys.modules.pop(name, None)


@pytest.fixture
def portal(examples: Any, live_server: Any, upstream: Upstream, suite: Suite) -> Any:
    """The example's client, with a key for an active company."""
    reconciled(grant_arrives(suite, upstream.authorize()))
    client = api_clients.create_client(
        name="example", scopes=list(Scope), suites=[suite], tenants=None, now=timezone.now(), **BY_WHOM
    )
    _key, text = api_keys.create_key(client=client, label="", expires_at=None, now=timezone.now(), **BY_WHOM)
    return examples.Portal(live_server.url, text, suite_key=SUITE_KEY)


@pytest.fixture
def app(examples: Any, portal: Any) -> Iterator[Any]:
    """The app, serving."""
    server = examples.App(portal=portal, port=0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def log_in(app: Any, browser: requests.Session) -> requests.Response:
    """Click through DingTalk's page as the first person of the company on it."""
    page = browser.get(f"{app.url}/login", timeout=5)
    links = [unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)]
    chosen = next(link for link in links if "manager01" in link and CORP_ID in link)
    return browser.get(requests.compat.urljoin(page.url, chosen), timeout=5)


def test_a_person_logs_in_and_sends_a_message(app: Any, upstream: Upstream) -> None:
    browser = requests.Session()

    home = log_in(app, browser)
    token = re.search(r'name="token" value="([^"]+)"', home.text)
    assert token is not None, home.text
    sent = browser.post(f"{app.url}/send", data={"token": token[1], "text": "你好"}, timeout=5)

    assert "Hello" in home.text
    assert "Sent" in sent.text
    assert "你好" in str(upstream.remote.messages(SUITE_KEY, CORP_ID, "manager01"))


def test_nobody_is_logged_in_by_a_link_that_somebody_else_made(app: Any) -> None:
    victim, attacker = requests.Session(), requests.Session()
    page = attacker.get(f"{app.url}/login", timeout=5, allow_redirects=False)
    state = re.search(r"state=([^&]+)", page.headers["Location"])
    assert state is not None

    answer = victim.get(f"{app.url}/back", params={"authCode": "code", "state": state[1]}, timeout=5)

    assert answer.status_code == 400


def test_the_client_reads_tokens_people_pages_and_events(portal: Any, upstream: Upstream) -> None:
    token = portal.access_token(CORP_ID)

    assert portal.renewed_access_token(CORP_ID, refused=token) != token
    assert portal.user(CORP_ID, "manager01")["user_id"] == "manager01"
    assert list(portal.events()) == []
    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "manager01")
    assert portal.login_in_app(CORP_ID, code=code).user_id == "manager01"


def test_a_refusal_is_an_error_with_a_stable_code(examples: Any, portal: Any) -> None:
    with pytest.raises(examples.PortalError) as refusal:
        portal.jsapi_config(CORP_ID, url="https://elsewhere.example.com/")

    assert (refusal.value.status, refusal.value.code) == (400, "url_not_allowed")
