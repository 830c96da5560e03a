"""Events of companies on two suites, numbered, and apps that may read them."""

from collections.abc import Callable
from typing import Any

import pytest

from dingtalk.feed import number_events
from dingtalk.models import ReceivedEvent, Suite
from dingtalk.protocol.json_guard import canonical_json
from tenants.models import Scope, Tenant
from tests.support.events import make_event
from tests.tenants.api.conftest import App, _fresh_limits, make_app, make_tenant, other_suite  # noqa: F401

EVENTS_URL = "/api/v1/events"


@pytest.fixture
def happen(suite: Suite) -> Callable[..., ReceivedEvent]:
    """Let something happen in a company; it is in the feed at once."""

    def _happen(
        name: str = "", *, on: Suite | None = None, data: Any = None, **changes: Any
    ) -> ReceivedEvent:
        payload = canonical_json({"data": {"name": name} if data is None else data})
        columns = {"corp_id": "dingcorp0001", "event_type": "user_modify_org", "payload": payload, **changes}
        event = make_event(on or suite, **columns)
        number_events()
        return event

    return _happen


@pytest.fixture
def make_reader(make_app: Callable[..., App]) -> Callable[..., App]:  # noqa: F811 - the fixture
    """An app that may read events; by default those of all tenants of the first suite."""

    def _make_reader(
        name: str = "同步程序", *, suites: list[Suite] | None = None, tenants: list[Tenant] | None = None
    ) -> App:
        return make_app(name, suites=suites, tenants=tenants, scopes=(Scope.EVENTS_READ,))

    return _make_reader


@pytest.fixture
def reader(make_reader: Callable[..., App]) -> App:
    return make_reader()


def names(page: dict[str, Any]) -> list[str]:
    """The events of a page by the names that they were given."""
    return [entry["data"]["name"] for entry in page["results"]]
