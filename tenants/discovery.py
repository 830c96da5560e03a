"""
Finding a company that authorised us without our knowing: its push was lost.

DingTalk gives no second chance for a lost push, so a first request for an unknown company of a known
suite asks `get_auth_info`. Its answer makes the tenant, as of the moment before the question. And where
companies wait for us to activate them, DingTalk has a list of those that do: it is read now and then.
"""

import logging

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from dingtalk.client import dingtalk_client
from dingtalk.models import Activation, PushMode, Suite
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import ApiError, AuthorizationGone, DingTalkError
from tenants import services
from tenants.errors import TenantError
from tenants.models import Tenant, TenantState
from tenants.suite_operations import find_waiting_companies
from tenants.upstream import AUTH_INFO, with_ticket

# Of one suite in one turn; each costs a call.
COMPANIES_PER_TURN = 20
_UNKNOWN_COMPANY = (Action.PARAM, Action.NOT_FOUND)
_IS_ACTIVATED_BY_US = Q(activation=Activation.ALWAYS) | Q(activation=Activation.AUTO, push_mode=PushMode.HTTP)

logger = logging.getLogger(__name__)


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


def discover_waiting_companies() -> int:
    """
    Make tenants of companies that wait for activation and that we do not know of; return how many.

    A suite that cannot be asked now is asked the next time.
    """
    found = 0
    for suite in Suite.objects.filter(_IS_ACTIVATED_BY_US):
        try:
            for corp_id in _unheard_of(suite):
                found += discover_tenant(suite=suite, corp_id=corp_id) is not None
        except (DingTalkError, TenantError) as error:
            extra = {"suite_key": suite.suite_key, "error": type(error).__name__}
            logger.info("waiting_companies_not_asked_for", extra=extra)
    return found


def _unheard_of(suite: Suite) -> list[str]:
    waiting = find_waiting_companies(suite).corp_ids
    known = Tenant.objects.filter(suite=suite, corp__corp_id__in=waiting).exclude(state=TenantState.RELIEVED)
    known_ids = set(known.values_list("corp__corp_id", flat=True))
    return [corp_id for corp_id in waiting if corp_id not in known_ids][:COMPANIES_PER_TURN]
