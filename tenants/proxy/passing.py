"""
Passing on a call of a tenant app to DingTalk with the tenant's token.

The order keeps secrets: what a key may call is decided before a tenant is looked up, the token is added last,
and what comes back was searched for it. A refused token is renewed, and the call repeated, once: DingTalk
refuses a token before it does anything.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dingtalk.client import dingtalk_client
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.forwarding import TOKEN_PARAMETER, ForwardedAnswer
from dingtalk.client.http import OversizedAnswer
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.foundation import audit
from dingtalk.protocol.errors import ApiError, DingTalkError, TransportError
from tenants import limits
from tenants.calling import call_as_tenant, find_active_tenant
from tenants.errors import (
    ProxyAnswerUnusable,
    ProxyOutcomeUnknown,
    ProxyParameterRefused,
    ProxyPathNotAllowed,
    TenantError,
)
from tenants.models import ApiKey, Tenant
from tenants.proxy.paths import find_allowing, is_new_family, named_ids, read_path

logger = logging.getLogger(__name__)

# The log has each call. The audit trail has one entry an hour for a key, a tenant and a pattern.
AUDIT_EVERY_SECONDS = 60 * 60
_READING_METHOD = "GET"
_TOKEN_NAMES = frozenset({"accesstoken", "suiteaccesstoken", "xacsdingtalkaccesstoken"})


@dataclass(frozen=True)
class Wanted:
    """What an app wants to be called: `path` decoded, with a slash before it."""

    family: Family
    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any] | None = field(repr=False)


@dataclass(frozen=True)
class _Permitted:
    """What may be called: the endpoint without the ids in it, these ids, and the pattern that allows it."""

    endpoint: str
    ids: Mapping[str, str]
    pattern: str


def pass_on(
    key: ApiKey, wanted: Wanted, *, suite_key: str, corp_id: str, actor: audit.Actor, now: datetime
) -> ForwardedAnswer:
    """
    Make the call with the token of a tenant that the key's app may see, and return DingTalk's answer.

    Raises ProxyPathNotAllowed, ProxyParameterRefused, TenantNotFound, TenantNotActive, TokenUnavailable,
    ProxyAnswerUnusable, ProxyOutcomeUnknown, and the DingTalkError of a limit or of no answer.
    """
    permitted = _permit(key, wanted)
    _refuse_tokens(wanted)
    tenant = find_active_tenant(key.client, suite_key=suite_key, corp_id=corp_id)
    _audit(key, tenant, wanted, permitted, actor=actor, now=now)
    started = time.monotonic()
    try:
        answer = _call(tenant, wanted, permitted)
    except (DingTalkError, TenantError) as error:
        _log(key, tenant, wanted, permitted, started=started, **_told_by(error))
        raise
    _log(key, tenant, wanted, permitted, started=started, status=answer.status, code=answer.code)
    return answer


def _permit(key: ApiKey, wanted: Wanted) -> _Permitted:
    segments = read_path(wanted.path)
    if segments is None or is_new_family(segments) != (wanted.family is Family.NEW):
        raise ProxyPathNotAllowed
    pattern = find_allowing(key.proxy_paths, segments)
    if pattern is None:
        raise ProxyPathNotAllowed
    endpoint, ids = named_ids(segments) if wanted.family is Family.NEW else (wanted.path, {})
    return _Permitted(endpoint, ids, pattern)


def _refuse_tokens(wanted: Wanted) -> None:
    """Refuse a call that brings a token of its own: which one counts would be DingTalk's choice."""
    for name in (*wanted.query, *_names_in(wanted.body)):
        if "".join(filter(str.isalnum, name)).casefold() in _TOKEN_NAMES:
            raise ProxyParameterRefused


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _names_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names_in(item)


def _call(tenant: Tenant, wanted: Wanted, permitted: _Permitted) -> ForwardedAnswer:
    call = Call(
        permitted.endpoint,
        family=wanted.family,
        method=wanted.method,
        repeatable=wanted.method == _READING_METHOD,
    )
    is_old = wanted.family is Family.OLD

    def forward(token: str) -> ForwardedAnswer:
        request = Request(
            call,
            path=permitted.ids,
            query={**wanted.query, TOKEN_PARAMETER: token} if is_old else wanted.query,
            body=wanted.body,
            token="" if is_old else token,
            suite_key=tenant.suite.suite_key,
            corp_id=tenant.corp.corp_id,
        )
        return dingtalk_client().forward(request)

    try:
        return call_as_tenant(tenant, forward)
    except (UnusableAnswer, OversizedAnswer) as error:
        raise ProxyAnswerUnusable from error
    except TransportError as error:
        if error.retryable:
            raise
        raise ProxyOutcomeUnknown from error


def _audit(
    key: ApiKey,
    tenant: Tenant,
    wanted: Wanted,
    permitted: _Permitted,
    *,
    actor: audit.Actor,
    now: datetime,
) -> None:
    name = limits.name_of(key.pk, tenant.pk, permitted.pattern)
    if not limits.claim(f"proxy-audited:{name}", seconds=AUDIT_EVERY_SECONDS):
        return
    details = {
        "key_prefix": key.prefix,
        "suite_key": tenant.suite.suite_key,
        "corp_id": tenant.corp.corp_id,
        "method": wanted.method,
        "path": permitted.endpoint,
        "allowed_by": permitted.pattern,
    }
    audit.record(action="proxy.call", actor=actor, target=tenant, details=details, now=now)


def _log(
    key: ApiKey, tenant: Tenant, wanted: Wanted, permitted: _Permitted, *, started: float, **outcome: Any
) -> None:
    extra = {
        "api_client": key.client.name,
        "key_prefix": key.prefix,
        "suite_key": tenant.suite.suite_key,
        "corp_id": tenant.corp.corp_id,
        "method": wanted.method,
        "endpoint": permitted.endpoint,
        "elapsed_ms": round((time.monotonic() - started) * 1000),
        **outcome,
    }
    logger.info("A tenant app called DingTalk", extra=extra)


def _told_by(error: Exception) -> dict[str, Any]:
    code = (error.sub_code or error.code) if isinstance(error, ApiError) else ""
    return {"code": code, "error": type(error).__name__}
