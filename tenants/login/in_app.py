"""Logging in inside the DingTalk client, by the code that a page asks the client for."""

from datetime import datetime

from dingtalk.client import dingtalk_client
from dingtalk.client.login import LoginUser
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.redaction import register_secret
from tenants.calling import call_as_tenant, find_active_tenant
from tenants.login.companies import leave_login
from tenants.models import ApiClient


def log_in_by_code(
    client: ApiClient, *, suite_key: str, corp_id: str, code: str, actor: Actor, now: datetime
) -> LoginUser:
    """
    Tell who opened the app in a company, by a code of DingTalk's client that works once.

    DingTalk takes a code only with the token of the company in which it was made. Raises TenantNotFound,
    TenantNotActive, TokenUnavailable, CodeSpent and other DingTalkErrors.
    """
    tenant = find_active_tenant(client, suite_key=suite_key, corp_id=corp_id)
    user = call_as_tenant(
        tenant, lambda token: dingtalk_client().get_login_user(corp_access_token=token, code=code)
    )
    # Only what DingTalk took for a code: an app could have any word masked in logs and audit trail.
    register_secret(code)
    leave_login(actor, tenant, way="in_app", user_id=user.user_id, union_id=user.union_id, now=now)
    return user
