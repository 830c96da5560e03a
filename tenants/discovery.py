"""
Finding a company that authorised us without our knowing: its push was lost.

DingTalk gives no second chance for a lost push, so a first request for an unknown company of a known
suite asks `get_auth_info`. Its answer makes the tenant, as of the moment before the question.
"""

from django.utils import timezone
from django.utils.translation import gettext_noop

from dingtalk.client import dingtalk_client
from dingtalk.models import Suite
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import ApiError, AuthorizationGone
from tenants import services
from tenants.models import Tenant
from tenants.upstream import AUTH_INFO, with_ticket

_UNKNOWN_COMPANY = (Action.PARAM, Action.NOT_FOUND)


def discover_tenant(*, suite: Suite, corp_id: str) -> Tenant | None:
    """
    Ask DingTalk whether a company has authorised a suite; return the tenant, now on its way to active.

    None when DingTalk says no. Raises TicketMissing and DingTalkError when it could not be asked.
    """
    asked_at = timezone.now()
    try:
        grant = with_ticket(
            suite, lambda identity: dingtalk_client().get_auth_info(identity, corp_id=corp_id), name=AUTH_INFO
        )
    except AuthorizationGone:
        return None
    except ApiError as error:
        if error.action in _UNKNOWN_COMPANY:
            return None
        raise
    services.authorize_tenant(
        suite=suite,
        corp_id=corp_id,
        grant=grant,
        platform_time=asked_at,
        now=timezone.now(),
        reason=gettext_noop("found by asking DingTalk"),
    )
    return Tenant.objects.select_related("suite", "corp").get(suite=suite, corp__corp_id=corp_id)
