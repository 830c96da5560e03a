"""How a company, its grant and its scope look in answers and in pushes, in the old family's spelling."""

from typing import Any

from dingtalk.simulator.world import Company, Grant, Suite


def auth_corp_info(company: Company) -> dict[str, Any]:
    """`auth_corp_info`: text that is not known is empty, never missing."""
    unknown = (
        "corp_logo_url",
        "invite_code",
        "invite_url",
        "license_code",
        "auth_channel",
        "auth_channel_type",
    )
    return {
        "corpid": company.corp_id,
        "corp_name": company.name,
        "full_corp_name": company.name,
        "industry": company.industry,
        "corp_type": 0,
        "is_authenticated": company.auth_level > 0,
        "auth_level": company.auth_level,
        **dict.fromkeys(unknown, ""),
    }


def auth_info(grant: Grant, *, suite: Suite, company: Company) -> dict[str, Any]:
    """`auth_info`: the app as it is installed at the company."""
    agent = {
        "agentid": grant.agent_id,
        "agent_name": suite.name,
        "appid": suite.app_id,
        "logo_url": "",
        "admin_list": [company.admin_userid],
    }
    return {"agent": [agent]}


def auth_scopes(grant: Grant) -> dict[str, Any]:
    """`auth/scopes` and the `auth_scope` of a push, without errcode."""
    return {
        "auth_org_scopes": {
            "authed_user": list(grant.scope.user_ids),
            "authed_dept": list(grant.scope.dept_ids),
        },
        "auth_user_field": ["name", "avatar", "userid", "unionid", "department", "position"],
        "condition_field": [],
    }
