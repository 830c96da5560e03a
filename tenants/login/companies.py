"""Which company a person logs in to: only one that has authorised the suite, and that the app may see."""

import logging
from datetime import datetime

from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from tenants.calling import find_active_tenant
from tenants.errors import CompanyNotAuthorized, TenantNotActive, TenantNotFound
from tenants.models import ApiClient, Tenant

logger = logging.getLogger(__name__)


def company_of_login(
    client: ApiClient, *, suite_key: str, corp_id: str, way: str, actor: Actor, now: datetime
) -> Tenant:
    """
    Return the active tenant that somebody logs in to; raises CompanyNotAuthorized, with a trace of it.

    Also when the app may not see it: it learns nothing of companies that are not its own.
    """
    try:
        return find_active_tenant(client, suite_key=suite_key, corp_id=corp_id)
    except (TenantNotFound, TenantNotActive) as error:
        leave_refusal(
            actor, suite_key=suite_key, corp_id=corp_id, way=way, reason="company_not_authorized", now=now
        )
        raise CompanyNotAuthorized from error


def leave_refusal(
    actor: Actor, *, suite_key: str, corp_id: str, way: str, reason: str, now: datetime
) -> None:
    """Leave a trace of somebody who was not let in."""
    details = {"suite_key": suite_key, "corp_id": corp_id, "way": way, "reason": reason}
    audit.record(action="login.refuse", actor=actor, target=None, details=details, now=now)
    logger.warning("A login was refused", extra={**details, "api_client": actor.name})


def leave_login(
    actor: Actor, tenant: Tenant, *, way: str, user_id: str, union_id: str, now: datetime
) -> None:
    """Leave a trace of somebody who was let in: never a code, a state or a token."""
    details = {
        "suite_key": tenant.suite.suite_key,
        "corp_id": tenant.corp.corp_id,
        "way": way,
        "user_id": user_id,
        "union_id": union_id,
    }
    audit.record(action="login.accept", actor=actor, target=tenant, details=details, now=now)
    logger.info("A person logged in", extra={**details, "api_client": actor.name})
