"""What operators have done with tenants, with an entry in the audit trail."""

from datetime import datetime

from django.db import transaction

from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from tenants import tokens, waking
from tenants.models import Tenant
from tenants.tokens import CorpToken


@transaction.atomic
def reconcile_now(tenant: Tenant, *, actor: Actor, now: datetime) -> None:
    """Have a tenant compared with what DingTalk says, whatever it waited for; a worker does it."""
    waking.request_reconcile(Tenant.objects.filter(pk=tenant.pk), now=now)
    audit.record(
        action="tenant.reconcile", actor=actor, target=tenant, details={"state": tenant.state}, now=now
    )


def refresh_token(tenant: Tenant, *, actor: Actor, now: datetime) -> CorpToken:
    """
    Renew an active tenant's token while the operator waits.

    It is in the audit trail before DingTalk is asked. Raises TenantNotActive, TokenUnavailable.
    """
    audit.record(action="tenant.refresh_token", actor=actor, target=tenant, now=now)
    return tokens.renew_corp_access_token(tenant.pk)
