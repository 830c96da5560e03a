"""
A platform for tests of what tenant apps call in a tenant's name: two companies on one suite, one on another.

One simulator for a module, since it keeps nothing of such calls. Tests that narrow a grant put it back.
"""

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
from tenants.models import AuthCorp, Tenant, TenantState

SUITE_KEY, OTHER_SUITE_KEY = "suitesimulated01", "suitesimulated02"
CORP_ID, OTHER_CORP_ID = "dingcorp00000001", "dingcorp00000002"
HEADCOUNT = 130
SEED: dict[str, Any] = {
    "suites": [
        {"suite_id": "880001", "suite_key": SUITE_KEY, "name": "考勤助手", "push_mode": "sync_http"},
        {"suite_id": "880002", "suite_key": OTHER_SUITE_KEY, "name": "报销助手", "push_mode": "sync_http"},
    ],
    "companies": [
        {
            "corp_id": CORP_ID,
            "name": "杭州云栖科技有限公司",
            "departments": [
                {"dept_id": 2, "name": "研发部"},
                {"dept_id": 3, "name": "市场部"},
                {"dept_id": 4, "name": "测试组", "parent_id": 2},
            ],
            "users": [
                {"userid": "boss", "name": "陈静", "role_ids": [101]},
                {
                    "userid": "coder",
                    "name": "赵磊",
                    "unionid": "unionOfCoder",
                    "mobile": "13900001111",
                    "dept_id_list": [2, 4],
                    "leads": [4],
                    "role_ids": [101, 201],
                },
            ],
            "headcount": HEADCOUNT,
        },
        {"corp_id": OTHER_CORP_ID, "name": "深圳前海贸易有限公司"},
    ],
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(options=SimulatorOptions(), seed=SEED) as running:
        yield running


@pytest.fixture
def platform(simulator: RunningSimulator, settings: Any) -> Iterator[RunningSimulator]:
    """The platform, to which our client speaks; without faults afterwards."""
    settings.DINGTALK_OAPI_BASE_URL = settings.DINGTALK_API_BASE_URL = simulator.base_url
    settings.DINGTALK_READ_TIMEOUT_SECONDS = 2.0
    dingtalk_client.cache_clear()
    yield simulator
    simulator.remote.clear_faults()
    dingtalk_client.cache_clear()


@pytest.fixture
def suite(db: None, platform: RunningSimulator) -> Suite:
    """The first suite, with its ticket."""
    return register_suite(platform, SUITE_KEY)


@pytest.fixture
def other_suite(db: None, platform: RunningSimulator) -> Suite:
    """The second suite, with its ticket."""
    return register_suite(platform, OTHER_SUITE_KEY)


@pytest.fixture
def tenant(platform: RunningSimulator, suite: Suite) -> Tenant:
    """The big company on the first suite."""
    return activate(platform, suite, CORP_ID)


@pytest.fixture
def hidden_tenants(
    platform: RunningSimulator, suite: Suite, other_suite: Suite, tenant: Tenant
) -> list[Tenant]:
    """Another company on the same suite, and the same company on another suite."""
    return [activate(platform, suite, OTHER_CORP_ID), activate(platform, other_suite, CORP_ID)]


@pytest.fixture
def narrowed(platform: RunningSimulator, tenant: Tenant) -> Iterator[None]:
    """The big company lets the suite see the marketing department and one person only."""

    def change(dept_ids: list[int], user_ids: list[str]) -> None:
        platform.remote.act(SUITE_KEY, CORP_ID, "change", silent=True, dept_ids=dept_ids, user_ids=user_ids)

    change([3], ["boss"])
    yield
    change([1], [])


def register_suite(platform: RunningSimulator, suite_key: str) -> Suite:
    """Our row of a suite that the platform knows, and its ticket."""
    known = platform.remote.suite(suite_key)
    suite = Suite.objects.create(
        **{name: known[name] for name in ("name", "suite_id", "suite_key", "suite_secret", "push_mode")},
        encoding_aes_key=known["encoding_aes_key"],
        callback_token=known["token"],
    )
    ticket = PushedTicket(known["suite_ticket"], None)
    store_tickets(suite_id=suite.pk, tickets=[ticket], received_at=timezone.now())
    return suite


def activate(platform: RunningSimulator, suite: Suite, corp_id: str) -> Tenant:
    """A company that has authorised a suite, there and here."""
    platform.remote.act(suite.suite_key, corp_id, "authorize", silent=True, wait=False)
    corp, _ = AuthCorp.objects.get_or_create(corp_id=corp_id, defaults={"name": f"公司 {corp_id}"})
    return Tenant.objects.create(
        suite=suite, corp=corp, state=TenantState.ACTIVE, permanent_code=f"permanent-code-of-{corp_id}"
    )


def calls_of(platform: RunningSimulator, endpoint: str) -> list[dict[str, Any]]:
    """The calls of an endpoint that the platform has answered, oldest first."""
    calls: list[dict[str, Any]] = platform.remote.calls(endpoint=endpoint)["calls"]
    return calls
