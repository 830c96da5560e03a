"""Handing a corp access token to a tenant app that asks for it, or that says that it is refused."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from dingtalk.foundation import audit
from dingtalk.foundation.plain_records import PlainValue, log_plainly
from tenants import limits
from tenants.errors import TenantNotFound
from tenants.identifiers import is_corp_id, is_suite_key
from tenants.models import ApiKey, Tenant
from tenants.queries import get_visible_tenant, visible_tenants
from tenants.tokens import CorpToken, get_corp_access_token, handed_out
from tenants.unknown_companies import look_for_company
from tenants.warm_tokens import WarmToken

logger = logging.getLogger(__name__)

HANDED_OUT = "A tenant app got a token"
# The log has each use. The audit trail has one entry an hour for a key and a tenant, or it would be the log.
AUDIT_EVERY_SECONDS = 60 * 60


def request_token(
    key: ApiKey, *, suite_key: str, corp_id: str, min_ttl_seconds: int, actor: audit.Actor, now: datetime
) -> CorpToken:
    """
    Return a token of a tenant that the key's app may see, with at least `min_ttl_seconds` left.

    A company that we do not know is looked for at DingTalk. Raises TenantNotFound, TenantNotActive,
    TokenUnavailable.
    """
    if not (is_suite_key(suite_key) and is_corp_id(corp_id)):
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    token = _token(key, suite_key=suite_key, corp_id=corp_id, min_ttl_seconds=min_ttl_seconds)
    logger.info(HANDED_OUT, extra=_log_fields(key, suite_key, corp_id, actor))
    _audit(
        lambda: get_visible_tenant(key.client, suite_key=suite_key, corp_id=corp_id),
        key_id=key.pk,
        details={"key_prefix": key.prefix, "suite_key": suite_key, "corp_id": corp_id},
        actor=actor,
        now=now,
    )
    return token


def hand_out(
    warm: WarmToken,
    *,
    suite_key: str,
    corp_id: str,
    actor: audit.Actor,
    logged: Mapping[str, PlainValue],
    now: datetime,
) -> CorpToken:
    """
    Hand out a token that was found to be warm, with the same traces as `request_token` leaves.

    `logged`: what the line of the log says of the request; none of it secret.
    """
    about = {"key_prefix": warm.key_prefix, "suite_key": suite_key, "corp_id": corp_id}
    warm.note_use(now=now)
    _audit(
        lambda: Tenant.objects.get(pk=warm.tenant_id), key_id=warm.key_id, details=about, actor=actor, now=now
    )
    log_plainly(logger, HANDED_OUT, at=now, **about, api_client=actor.name, **logged)
    return handed_out(warm.current)


def request_renewal(
    key: ApiKey,
    *,
    suite_key: str,
    corp_id: str,
    refused: str,
    min_ttl_seconds: int,
    actor: audit.Actor,
    now: datetime,
) -> CorpToken:
    """
    Return a token other than the one that DingTalk refused, renewed only while that is the current one.

    Raises TenantNotFound, TenantNotActive, TokenUnavailable.
    """
    if not (is_suite_key(suite_key) and is_corp_id(corp_id)):
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    tenant = get_visible_tenant(key.client, suite_key=suite_key, corp_id=corp_id)
    token = get_corp_access_token(
        visible_tenants(key.client),
        suite_key=suite_key,
        corp_id=corp_id,
        min_ttl_seconds=min_ttl_seconds,
        refused=refused,
    )
    logger.info("A tenant app had a token renewed", extra=_log_fields(key, suite_key, corp_id, actor))
    audit.record(
        action="access_token.renew",
        actor=actor,
        target=tenant,
        details={"key_prefix": key.prefix, "suite_key": suite_key, "corp_id": corp_id},
        now=now,
    )
    return token


def _token(key: ApiKey, *, suite_key: str, corp_id: str, min_ttl_seconds: int) -> CorpToken:
    tenants = visible_tenants(key.client)
    wanted = {"suite_key": suite_key, "corp_id": corp_id}
    try:
        return get_corp_access_token(tenants, **wanted, min_ttl_seconds=min_ttl_seconds)
    except TenantNotFound:
        look_for_company(key.client, **wanted)
    return get_corp_access_token(tenants, **wanted, min_ttl_seconds=min_ttl_seconds)


def _audit(
    find_tenant: Callable[[], Tenant],
    *,
    key_id: UUID,
    details: dict[str, str],
    actor: audit.Actor,
    now: datetime,
) -> None:
    """Record that a key got the token of a tenant, once an hour; the tenant is looked for only then."""
    name = limits.name_of(key_id, details["suite_key"], details["corp_id"])
    if limits.claim_seldom(f"token-audited:{name}", seconds=AUDIT_EVERY_SECONDS):
        audit.record(action="access_token.read", actor=actor, target=find_tenant(), details=details, now=now)


def _log_fields(key: ApiKey, suite_key: str, corp_id: str, actor: audit.Actor) -> dict[str, str]:
    return {"suite_key": suite_key, "corp_id": corp_id, "api_client": actor.name, "key_prefix": key.prefix}
