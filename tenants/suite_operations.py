"""What operators have DingTalk do for the companies of a suite, with an entry in the audit trail."""

import re
from collections.abc import Sequence
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from dingtalk.client import UnactiveCorps, dingtalk_client
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.models import Suite
from tenants.models import Tenant
from tenants.upstream import with_suite_token

MOST_ADDRESSES = 100
_STARS = re.compile(r"\*\.\*$|\*$|\*(?=\.\d{1,3}$)")


def find_waiting_companies(suite: Suite) -> UnactiveCorps:
    """
    Ask DingTalk which companies have authorised a suite and are not activated.

    Raises TicketMissing, TokenUnavailable, DingTalkError. A cut list has no next page: act on it, ask again.
    """
    return with_suite_token(
        suite, lambda token: dingtalk_client().get_unactive_corps(suite_access_token=token)
    )


def have_grants_pushed_again(
    suite: Suite, *, corp_ids: Sequence[str], app_id: int | None, actor: Actor, now: datetime
) -> None:
    """Have DingTalk push the grants of waiting companies again; raises as `find_waiting_companies`."""
    with_suite_token(
        suite,
        lambda token: dingtalk_client().reauth_corp(
            suite_access_token=token, app_id=app_id, corp_ids=corp_ids
        ),
    )
    details = {"corp_ids": list(corp_ids)}
    audit.record(action="suite.reauthorize", actor=actor, target=suite, details=details, now=now)


def set_ip_whitelist(tenant: Tenant, *, addresses: Sequence[str], actor: Actor, now: datetime) -> None:
    """
    Replace the list of addresses from which DingTalk takes calls in a company's name.

    Raises ValidationError for what is no address, and as `find_waiting_companies`.
    """
    checked = checked_addresses(addresses)
    with_suite_token(
        tenant.suite,
        lambda token: dingtalk_client().set_corp_ip_whitelist(
            suite_access_token=token, corp_id=tenant.corp.corp_id, addresses=checked
        ),
    )
    details = {"addresses": checked}
    audit.record(action="tenant.set_ip_whitelist", actor=actor, target=tenant, details=details, now=now)


def checked_addresses(addresses: Sequence[str]) -> list[str]:
    """Return the addresses, each once; raises ValidationError. The last one or two parts may be `*`."""
    distinct = list(dict.fromkeys(addresses))
    wrong = [address for address in distinct if not _is_address(address)]
    if wrong:
        text = _("Not an IPv4 address: %(text)s") % {"text": wrong[0][:40]}
        raise ValidationError(text, code="invalid")
    if not 1 <= len(distinct) <= MOST_ADDRESSES:
        raise ValidationError(_("1 to 100 addresses are expected."), code="invalid")
    return distinct


def _is_address(text: str) -> bool:
    try:
        IPv4Address(_STARS.sub(lambda stars: stars[0].replace("*", "0"), text))
    except AddressValueError:
        return False
    return True
