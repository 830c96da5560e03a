"""
A day of a tenant app on the real stack: people log in, pages are signed, messages sent, events read.

The app uses the client of docs/examples, so that what developers copy is what is tested.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.journeys.operator import Operator
from tests.journeys.processes import ROOT, eventually
from tests.journeys.stack import SYNC_HTTP, Stack

pytestmark = pytest.mark.journey

CORP_ID = "dingcorp00000004"
PERSON = "manager01"
SCOPES = (
    *("tenants:read", "tokens:read", "tokens:renew", "jsapi:sign", "login"),
    *("contacts:read", "messages:send", "proxy", "events:read"),
)


@pytest.fixture
def client_module() -> Iterator[Any]:
    """The client that the documentation offers."""
    sys.path.insert(0, str(ROOT / "docs" / "examples"))
    import portal_client

    yield portal_client
    sys.path.remove(str(Path(portal_client.__file__).parent))
    sys.modules.pop("portal_client", None)


@pytest.fixture
def key(stack: Stack, operator: Operator) -> str:
    """A key for everything, of an app whose company is active."""
    operator.register_suite(SYNC_HTTP, js_domains="app.example.com")
    stack.simulator.push_ticket(SYNC_HTTP)
    stack.simulator.act(SYNC_HTTP, CORP_ID, "authorize")
    scopes = [option for scope in SCOPES for option in ("--scope", scope)]
    made = stack.manage_json(
        *("api_key", "create", "app of a day", "--suite", SYNC_HTTP, *scopes),
        *("--proxy-path", "/topapi/v2/department/**"),
    )
    eventually(lambda: operator.tenant(SYNC_HTTP, CORP_ID, state="active"), what="the company is active")
    return str(made["key"])


def test_a_day_of_a_tenant_app(stack: Stack, operator: Operator, key: str, client_module: Any) -> None:
    portal = client_module.Portal(stack.base_url, key, suite_key=SYNC_HTTP)
    code = stack.simulator.login_code(SYNC_HTTP, CORP_ID, PERSON)

    person = portal.login_in_app(CORP_ID, code=code)
    with pytest.raises(client_module.PortalError, match="code_spent"):
        portal.login_in_app(CORP_ID, code=code)
    assert (person.corp_id, person.user_id) == (CORP_ID, PERSON)
    assert portal.user(CORP_ID, PERSON)["union_id"] == person.union_id

    signed = portal.jsapi_config(CORP_ID, url="https://app.example.com/home?tab=1#top")
    assert signed["url"] == "https://app.example.com/home?tab=1"

    sent = [
        portal.send_text(CORP_ID, user_ids=[PERSON], text="早上好", idempotency_key="morning")
        for _ in range(2)
    ]
    assert sent[0].id == sent[1].id
    eventually(
        lambda: len(stack.simulator.messages(SYNC_HTTP, CORP_ID, PERSON)) == 1, what="one message arrives"
    )

    token = portal.access_token(CORP_ID)
    assert portal.renewed_access_token(CORP_ID, refused=token) != token
    assert proxied(stack, key)["errcode"] == 0

    def kinds() -> set[str]:
        return {event.type for event in portal.events(corp_id=CORP_ID)}

    stack.simulator.act(SYNC_HTTP, CORP_ID, "change")
    eventually(lambda: {"org_suite_auth", "org_suite_change"} <= kinds(), what="the feed has both")

    stack.simulator.act(SYNC_HTTP, CORP_ID, "relieve")
    eventually(lambda: "org_suite_relieve" in kinds(), what="the feed has the withdrawal")
    # Events are offered as soon as they are there, which may be before they are handled.
    eventually(lambda: operator.tenant(SYNC_HTTP, CORP_ID, state="relieved"), what="it is relieved")
    for call in (
        lambda: portal.access_token(CORP_ID),
        lambda: portal.user(CORP_ID, PERSON),
        lambda: portal.send_text(CORP_ID, user_ids=[PERSON], text="晚安"),
    ):
        with pytest.raises(client_module.PortalError, match="tenant_not_active"):
            call()
    assert token not in stack.logs()


def proxied(stack: Stack, key: str) -> dict[str, Any]:
    """What DingTalk says to a call through the proxy."""
    answer = requests.post(
        f"{stack.base_url}/api/v1/tenants/{SYNC_HTTP}/{CORP_ID}/proxy/oapi/topapi/v2/department/listsub",
        headers={"Authorization": f"Bearer {key}"},
        json={"dept_id": 1},
        timeout=10,
    )
    members: dict[str, Any] = answer.json()
    return members
