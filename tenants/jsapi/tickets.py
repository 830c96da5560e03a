"""
A tenant's JSAPI ticket: obtained once for the whole fleet, kept for two hours, and never beyond its day.

DingTalk prolongs a ticket whenever it is asked for, but 24 hours after it was made it dies all the same.
Source: open.dingtalk.com, "jsapi-authentication"
"""

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.utils import timezone

from dingtalk.client import IssuedToken, dingtalk_client
from dingtalk.models import Generation
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import ApiError, DingTalkError
from tenants.calling import call_as_tenant
from tenants.errors import TicketMissing, TokenUnavailable
from tenants.models import AccessToken, Tenant, TenantState, TokenKind
from tenants.token_fallback import Refusal, Way, is_about_the_call, obtain_by_first
from tenants.token_slots import Obtained, current_token, obtain_token, slot_of
from tenants.tokens import require_still_active, token_unavailable
from tenants.transitions import Overtaken
from tenants.waiting_room import place_to_wait

LONGEST_KEPT_SECONDS = 7_200
# In the last minute of its day a ticket comes back as it was: to ask for a longer one would help nobody.
MIN_TTL_SECONDS = 0


def get_jsapi_ticket(tenant: Tenant) -> str:
    """
    Return the ticket of an active tenant, obtained if there is none that lasts.

    Raises TenantNotActive, also when the tenant was relieved meanwhile, and TokenUnavailable.
    """
    stored = AccessToken.objects.filter(
        tenant=tenant, kind=TokenKind.JSAPI, tenant__state=TenantState.ACTIVE
    ).first()
    current = current_token(stored) if stored else None
    if current is not None and current.lasts(seconds=MIN_TTL_SECONDS, now=timezone.now()):
        return current.value
    with place_to_wait():
        return _obtained(tenant)


def _obtained(tenant: Tenant) -> str:
    """Obtain a ticket while a caller waits; every refusal becomes one that says when to ask again."""
    try:
        current = obtain_token(
            slot_of(suite=tenant.suite, kind=TokenKind.JSAPI, tenant=tenant),
            partial(_request, tenant),
            min_ttl_seconds=MIN_TTL_SECONDS,
            wait_seconds=settings.TOKEN_WAIT_SECONDS,
        )
    except Overtaken:
        require_still_active(tenant)
        raise TokenUnavailable("The ticket was overtaken by a change.", retry_after_seconds=1) from None
    except (DingTalkError, TicketMissing) as error:
        raise token_unavailable(error) from error
    require_still_active(tenant)
    return current.value


def _request(tenant: Tenant) -> Obtained:
    """Ask by the call that the suite is set to first; before each the tenant is looked at."""
    return obtain_by_first(_ways(tenant), passes_on=_may_be_about_the_call)


def _ways(tenant: Tenant) -> list[Way]:
    client = dingtalk_client()
    calls = {Generation.V1: client.create_jsapi_ticket, Generation.OLD: client.get_jsapi_ticket}
    generations = sorted(calls, key=lambda generation: generation != tenant.suite.jsapi_ticket_method)
    return [
        Way(f"jsapi_{each}", partial(call_as_tenant, tenant, partial(_ask, calls[each])))
        for each in generations
    ]


def _ask(call: Callable[..., IssuedToken], token: str) -> IssuedToken:
    issued = call(corp_access_token=token)
    return IssuedToken(issued.token, min(issued.expires_in_seconds, LONGEST_KEPT_SECONDS))


def _may_be_about_the_call(refusal: Refusal) -> bool:
    """Tell whether the other generation may help: it has permissions and addresses of its own."""
    if isinstance(refusal, ApiError) and refusal.action in (Action.PERMISSION, Action.CONFIG):
        return True
    return is_about_the_call(refusal)
