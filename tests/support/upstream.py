"""DingTalk for a test: a simulator in a thread, with one suite and one company that are ours too."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.models import Suite
from dingtalk.protocol.events import PushedTicket
from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from dingtalk.tickets import store_tickets

CORP_ID = "dingcorp00000001"
SUITE_KEY = "suitesimulated01"


class Upstream:
    """The simulated platform, with what tests ask of it in short words."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.remote = simulator.remote
        self.options = simulator.options
        self.base_url = simulator.base_url

    def register_suite(self, **changes: Any) -> Suite:
        """Our row of the suite that the platform knows."""
        known = self.remote.suite(SUITE_KEY)
        columns = {
            **{name: known[name] for name in ("name", "suite_id", "suite_key", "suite_secret")},
            "encoding_aes_key": known["encoding_aes_key"],
            "callback_token": known["token"],
            "push_mode": known["push_mode"],
        }
        return Suite.objects.create(**{**columns, **changes})

    def deliver_ticket(self, suite: Suite, text: str | None = None) -> None:
        """Have the current ticket arrive at us, or any text as one."""
        ticket = PushedTicket(text or self.remote.suite(SUITE_KEY)["suite_ticket"], None)
        store_tickets(suite_id=suite.pk, tickets=[ticket], received_at=timezone.now())

    def authorize(self, **options: Any) -> dict[str, Any]:
        """Let the company authorise without a push; return its grant."""
        return self.act("authorize", **options)

    def act(self, action: str, **options: Any) -> dict[str, Any]:
        """Do something as the company's administrator, without a push; return its grant."""
        done = self.remote.act(SUITE_KEY, CORP_ID, action, silent=True, wait=False, **options)
        grant: dict[str, Any] = done["grant"]
        return grant

    def use_mode(self, push_mode: str) -> None:
        """Let the platform push in this mode: under legacy HTTP a grant waits for activation."""
        self.remote._call("PUT", f"/_sim/suites/{SUITE_KEY}", {"push_mode": push_mode})

    def count(self, endpoint: str) -> int:
        """How often an endpoint was called."""
        return len(self.remote.calls(endpoint=endpoint)["calls"])

    def fault(self, endpoint: str, kind: str, **how: Any) -> None:
        """Misbehave the next time that an endpoint is called."""
        self.remote.add_fault(**{"endpoint": endpoint, "kind": kind, "count": 1, **how})


SEED: dict[str, Any] = {
    "suites": [{"suite_id": "880001", "suite_key": SUITE_KEY, "name": "考勤助手", "push_mode": "sync_http"}],
    "companies": [{"corp_id": CORP_ID, "name": "杭州云栖科技有限公司"}],
}


@pytest.fixture
def upstream(settings: Any) -> Iterator[Upstream]:
    """A platform that nothing has happened on; our client speaks to it."""
    with RunningSimulator(options=SimulatorOptions(), seed=SEED) as simulator:
        settings.DINGTALK_OAPI_BASE_URL = settings.DINGTALK_API_BASE_URL = simulator.base_url
        settings.DINGTALK_LOGIN_BASE_URL = simulator.base_url
        settings.DINGTALK_READ_TIMEOUT_SECONDS = 1.0
        dingtalk_client.cache_clear()
        yield Upstream(simulator)
    dingtalk_client.cache_clear()


@pytest.fixture
def suite(upstream: Upstream) -> Suite:
    """A SyncHTTP suite with the current ticket."""
    suite = upstream.register_suite()
    upstream.deliver_ticket(suite)
    return suite


@pytest.fixture
def legacy_suite(upstream: Upstream) -> Suite:
    """A suite of the legacy HTTP push with the current ticket."""
    upstream.use_mode("http")
    suite = upstream.register_suite()
    upstream.deliver_ticket(suite)
    return suite
