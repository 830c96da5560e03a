"""
Calls to DingTalk in a tenant's name while a tenant app waits for the answer.

The token is looked up by the same query that sees whether the tenant is active. A token that DingTalk
refuses is renewed, and the call repeated, once. Few threads of a process wait for DingTalk at a time.
"""

from collections.abc import Callable
from typing import TypeVar

from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import CredentialRejected
from tenants.errors import TenantNotActive, TenantNotFound
from tenants.identifiers import is_corp_id, is_suite_key
from tenants.models import ApiClient, Tenant
from tenants.queries import visible_tenants
from tenants.tokens import call_for, get_corp_access_token
from tenants.waiting_room import place_to_wait

AnswerT = TypeVar("AnswerT")


def find_active_tenant(client: ApiClient, *, suite_key: str, corp_id: str) -> Tenant:
    """
    Return an active tenant that the app may see, with its suite and company.

    Raises TenantNotFound, also when the app may not see it, and TenantNotActive.
    """
    if not (is_suite_key(suite_key) and is_corp_id(corp_id)):
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    tenants = visible_tenants(client).select_related("suite", "corp").defer("permanent_code")
    tenant = tenants.filter(suite__suite_key=suite_key, corp__corp_id=corp_id).first()
    if tenant is None:
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    if not tenant.is_active:
        raise TenantNotActive(suite_key=suite_key, corp_id=corp_id, state=tenant.state)
    return tenant


def call_as_tenant(tenant: Tenant, call: Callable[[str], AnswerT]) -> AnswerT:
    """
    Make a call with the tenant's token, renewed once when DingTalk refuses it.

    Raises TenantNotActive, also when the tenant was relieved meanwhile, TokenUnavailable, and the
    DingTalkError of the call.
    """
    token = _token(tenant)
    with place_to_wait():
        try:
            return call_for(tenant, call, token)
        except CredentialRejected as refusal:
            if refusal.action != Action.REFRESH_TOKEN:
                raise
        return call_for(tenant, call, _token(tenant, refused=token))


def _token(tenant: Tenant, *, refused: str | None = None) -> str:
    found = get_corp_access_token(
        Tenant.objects.filter(pk=tenant.pk),
        suite_key=tenant.suite.suite_key,
        corp_id=tenant.corp.corp_id,
        refused=refused,
    )
    return found.access_token
