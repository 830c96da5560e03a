"""Suites, companies and moments that the tests of tenants start from."""

from datetime import UTC, datetime, timedelta

import pytest

from dingtalk.models import PushMode, Suite
from dingtalk.protocol.grant import Grant, read_grant
from tenants import services
from tenants.models import Tenant, TenantState

CORP_ID = "dingcorp0001"
MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def moment(minutes: float = 0) -> datetime:
    """Minutes after the morning on which every story begins."""
    return MORNING + timedelta(minutes=minutes)


def grant_of(corp_id: str = CORP_ID, *, name: str = "杭州云栖科技", permanent_code: str = "perm-1") -> Grant:
    """What DingTalk says when a company has authorised."""
    return read_grant(
        {
            "auth_corp_info": {"corpid": corp_id, "corp_name": name, "auth_level": 1},
            "auth_info": {
                "agent": [{"agentid": 1001, "appid": 55, "agent_name": "考勤", "admin_list": ["admin1"]}]
            },
            "auth_user_info": {"userId": "admin1"},
            "auth_scope": {
                "auth_org_scopes": {"authed_dept": [1], "authed_user": []},
                "auth_user_field": ["name"],
            },
            "permanent_code": permanent_code,
        }
    )


def make_suite(**changes: object) -> Suite:
    """A suite with its secrets."""
    columns = {
        "name": "考勤助手",
        "suite_id": "900001",
        "suite_key": "suitekey0001",
        "suite_secret": "suite-secret-0001",
        "callback_token": "callbacktoken0001",
        "encoding_aes_key": "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij",
        "push_mode": PushMode.SYNC_HTTP,
    }
    return Suite.objects.create(**{**columns, **changes})


@pytest.fixture
def suite(db: None) -> Suite:
    """A suite that gets its events by SyncHTTP."""
    return make_suite()


@pytest.fixture
def authorize(suite: Suite):
    """Let the company authorise at some minute of the morning; returns whether it was news."""

    def _authorize(minutes: float = 0, *, grant: Grant | None = None) -> bool:
        return services.authorize_tenant(
            suite=suite,
            corp_id=CORP_ID,
            grant=grant or grant_of(),
            platform_time=moment(minutes),
            now=moment(minutes + 0.1),
            reason="org_suite_auth",
        )

    return _authorize


@pytest.fixture
def relieve(suite: Suite):
    """Let the company withdraw at some minute of the morning; returns whether it was news."""

    def _relieve(minutes: float) -> bool:
        return services.relieve_tenant(
            suite=suite,
            corp_id=CORP_ID,
            platform_time=moment(minutes),
            now=moment(minutes + 0.1),
            reason="org_suite_relieve",
        )

    return _relieve


@pytest.fixture
def tenant_row():
    """Read the company's tenant as it is now."""
    return lambda: Tenant.objects.select_related("corp", "suite").get(corp__corp_id=CORP_ID)


@pytest.fixture
def active_tenant(authorize, tenant_row) -> Tenant:
    """A company whose authorisation has converged."""
    authorize(0)
    Tenant.objects.update(state=TenantState.ACTIVE, next_reconcile_at=None)
    return tenant_row()
