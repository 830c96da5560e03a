"""A company's steps as their handlers take them, and the tenant that comes of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dingtalk.client import DingTalkClient
from dingtalk.models import Suite
from dingtalk.protocol.grant import read_grant
from tenants import services
from tenants.models import Tenant
from tenants.reconcile import reconcile_tenant
from tests.support.upstream import CORP_ID

PERMANENT_CODE = "/service/get_permanent_code"
AUTH_INFO = "/service/get_auth_info"
AUTH_SCOPES = "/auth/scopes"
CORP_TOKEN = "/v1.0/oauth2/corpAccessToken"
SIGNED_CORP_TOKEN = "/service/get_corp_token"
UNIFIED_TOKEN = "/v1.0/oauth2/{corpId}/token"
SUITE_TOKEN = "/service/get_suite_token"
ACTIVATE = "/service/activate_suite"
UNACTIVE = "/service/get_unactive_corp"
REAUTH = "/service/reauth_corp"


def tenant_row(corp_id: str = CORP_ID) -> Tenant:
    """The company's tenant as it is now."""
    return Tenant.objects.select_related("suite", "corp").get(corp__corp_id=corp_id)


def grant_arrives(
    suite: Suite, grant: dict[str, Any], *, corp_id: str = CORP_ID, at: datetime | None = None
) -> Tenant:
    """The org_suite_auth of a grant."""
    services.authorize_tenant(
        suite=suite,
        corp_id=corp_id,
        grant=read_grant(
            {
                "auth_corp_info": {"corpid": corp_id, "corp_name": "杭州云栖科技有限公司"},
                "auth_info": {"agent": [{"agentid": grant["agent_id"], "appid": 1}]},
                "permanent_code": grant["permanent_code"],
            }
        ),
        platform_time=at or timezone.now(),
        now=timezone.now(),
        reason="org_suite_auth",
    )
    return tenant_row(corp_id)


def code_arrives(suite: Suite, code: str, *, seconds_ago: float = 0, corp_id: str = CORP_ID) -> Tenant:
    """The tmp_auth_code of a grant."""
    services.receive_tmp_auth_code(
        suite=suite,
        corp_id=corp_id,
        tmp_auth_code=code,
        platform_time=timezone.now() - timedelta(seconds=seconds_ago),
        now=timezone.now(),
        reason="tmp_auth_code",
    )
    return tenant_row(corp_id)


def withdrawal_arrives(suite: Suite, *, at: datetime | None = None) -> Tenant:
    """The org_suite_relieve of the company."""
    services.relieve_tenant(
        suite=suite,
        corp_id=CORP_ID,
        platform_time=at or timezone.now(),
        now=timezone.now(),
        reason="org_suite_relieve",
    )
    return tenant_row()


def scope_change_arrives(suite: Suite) -> Tenant:
    """The change_auth of the company, which says no more than that."""
    services.rescope_tenant(
        suite=suite, corp_id=CORP_ID, platform_time=timezone.now(), now=timezone.now(), reason="change_auth"
    )
    return tenant_row()


def switch_arrives(suite: Suite, agent_id: int, *, is_stopped: bool) -> Tenant:
    """The org_micro_app_stop or org_micro_app_restore of one agent."""
    services.switch_agent(
        suite=suite,
        corp_id=CORP_ID,
        agent_id=str(agent_id),
        is_stopped=is_stopped,
        platform_time=timezone.now(),
        now=timezone.now(),
        reason="org_micro_app_stop" if is_stopped else "org_micro_app_restore",
    )
    return tenant_row()


def reconciled(tenant: Tenant) -> Tenant:
    """The tenant after a run."""
    reconcile_tenant(tenant.pk)
    return Tenant.objects.select_related("suite", "corp").get(pk=tenant.pk)


def before_answer(monkeypatch: pytest.MonkeyPatch, call: str, happens: Callable[[], object]) -> None:
    """Let something happen while DingTalk answers a call for the first time."""
    ask = getattr(DingTalkClient, call)
    left = [happens]

    def answer(*arguments: Any, **named: Any) -> Any:
        try:
            return ask(*arguments, **named)
        finally:
            if left:
                left.pop()()

    monkeypatch.setattr(DingTalkClient, call, answer)
