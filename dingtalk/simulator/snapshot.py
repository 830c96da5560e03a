"""
The whole world as JSON: everything that a client who was given nothing else needs to speak to the simulator.

Secrets included, because none of them opens anything outside the simulator.
"""

from dataclasses import asdict
from typing import Any

from dingtalk.simulator.world import Company, Grant, Suite, World

NOTICE = "This is a simulator for development and tests, not DingTalk. Every secret in here was made up."


def describe_world(world: World, *, base_url: str) -> dict[str, Any]:
    """Suites with credentials and tickets, companies with people, grants with codes."""
    return {
        "notice": NOTICE,
        "base_url": base_url,
        "options": asdict(world.options),
        "suites": [describe_suite(suite) for suite in world.suites.values()],
        "companies": [
            {**describe_company(company), "internal_apps": describe_internal_apps(world, company)}
            for company in world.companies.values()
        ],
        "grants": [describe_grant(world, grant) for grant in world.grants.values()],
        "one_time_codes": [
            {
                "code": code.code,
                "suite_key": code.suite_key,
                "corp_id": code.corp_id,
                "spent": code.is_spent,
            }
            for code in world.codes.values()
        ],
    }


def describe_suite(suite: Suite) -> dict[str, Any]:
    """A suite with its credentials, callback settings and current ticket."""
    return {
        "suite_id": suite.suite_id,
        "suite_key": suite.suite_key,
        "suite_secret": suite.suite_secret,
        "token": suite.token,
        "encoding_aes_key": suite.encoding_aes_key,
        "name": suite.name,
        "app_id": suite.app_id,
        "isv_corp_id": suite.isv_corp_id,
        "sso_secret": suite.sso_secret,
        "push_mode": suite.push_mode.value,
        "is_custom": suite.is_custom,
        "callback_url": suite.callback_url,
        "signature_parameter": suite.signature_parameter,
        "wants_random": suite.wants_random,
        "deadline_ms": suite.deadline_ms,
        "template_only": suite.template_only,
        "templates": [
            {"template_id": each.template_id, "name": each.name, "approved": each.is_approved}
            for each in suite.templates.values()
        ],
        "suite_ticket": suite.ticket.text,
        "suite_ticket_issued_at_ms": suite.ticket.issued_at_ms,
    }


def describe_company(company: Company) -> dict[str, Any]:
    """A company with departments and people."""
    return {
        "corp_id": company.corp_id,
        "name": company.name,
        "industry": company.industry,
        "admin_userid": company.admin_userid,
        "departments": [asdict(each) for each in company.departments.values()],
        "users": [
            {
                "userid": person.userid,
                "name": person.name,
                "unionid": person.unionid,
                "dept_id_list": person.dept_ids,
                "title": person.title,
                "mobile": person.mobile,
                "active": person.is_active,
                "leads": person.led_dept_ids,
                "role_ids": person.role_ids,
            }
            for person in company.people.values()
        ],
        "roles": [asdict(each) for each in company.roles.values()],
        "auth_level": company.auth_level,
    }


def describe_internal_apps(world: World, company: Company) -> list[dict[str, Any]]:
    """The apps that a company made for itself, with their credentials."""
    return [
        {"app_key": app.app_key, "app_secret": app.app_secret, "agent_id": app.grant.agent_id}
        for app in world.internal_apps.values()
        if app.grant.corp_id == company.corp_id
    ]


def describe_grant(world: World, grant: Grant) -> dict[str, Any]:
    """A grant with its codes; `activated` is false while the company waits for `activate_suite`."""
    return {
        "suite_key": grant.suite_key,
        "corp_id": grant.corp_id,
        "state": "relieved" if grant.is_relieved else "authorized",
        "activated": grant.is_activated,
        "app_state": grant.app_state.value,
        "agent_id": grant.agent_id,
        "ip_whitelist": grant.ip_whitelist,
        "permanent_code": grant.permanent_code,
        "auth_scope": {"authed_dept": grant.scope.dept_ids, "authed_user": grant.scope.user_ids},
        "unspent_codes": [
            code.code
            for code in world.codes.values()
            if (code.suite_key, code.corp_id) == (grant.suite_key, grant.corp_id) and not code.is_spent
        ],
    }
