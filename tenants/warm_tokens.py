"""
A tenant's token that is stored and lasts, for the key that asks: all that has to be true, by one statement.

Key, client, scope, coverage, the tenant's state and the token are read together, so that what one commit ends
(a withdrawal, a revoked key, a coverage that was narrowed) is ended for the next request. Only a "yes" comes
from here. Whatever else there is to say, `tenants.token_requests.request_token` says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from dingtalk.foundation.prepared import fetch_row
from dingtalk.models import Suite
from tenants import api_keys, tokens
from tenants.identifiers import is_corp_id, is_suite_key
from tenants.models import AccessToken, ApiClient, ApiKey, AuthCorp, Scope, Tenant, TenantState, TokenKind
from tenants.token_slots import CurrentToken

_COLUMNS = {
    "key_id": "k.id",
    "secret_digest": "k.secret_digest",
    "key_expires_at": "k.expires_at",
    "key_last_used_at": "k.last_used_at",
    "client_name": "c.name",
    "scopes": "c.scopes",
    "tenant_id": "t.id",
    "token_id": "a.id",
    "token": "a.token",
    "issued_at": "a.issued_at",
    "expires_at": "a.expires_at",
    "refresh_at": "a.refresh_at",
    "last_used_at": "a.last_used_at",
    "renewal_requested_at": "a.renewal_requested_at",
}
_IDS = ("key_id", "tenant_id", "token_id")
_MOMENTS = tuple(name for name in _COLUMNS if name.endswith("_at"))


@dataclass(frozen=True, slots=True)
class WarmToken:
    """A token that may be handed out, and to whom."""

    key_id: UUID
    key_prefix: str
    client_name: str
    tenant_id: UUID
    current: CurrentToken
    _row: Mapping[str, Any] = field(repr=False)

    def note_use(self, *, now: datetime) -> None:
        """Note the use of key and token; nearly always there is nothing to write."""
        api_keys.note_use(self.key_id, last_used_at=self._row["key_last_used_at"], now=now)
        tokens.note_use(self._row, self.current, now=now)


def find_warm_token(
    shown: api_keys.ShownKey, *, suite_key: str, corp_id: str, min_ttl_seconds: int, now: datetime
) -> WarmToken | None:
    """
    Return the stored token of an active tenant that the key may read, with at least `min_ttl_seconds` left.

    None for every other case; why, is not said here. Raises django.db.Error, DecryptionError.
    """
    if not (is_suite_key(suite_key) and is_corp_id(corp_id)):
        return None
    found = fetch_row(_statement(), (shown.prefix, suite_key, corp_id))
    if found is None:
        return None
    row = _read(found)
    if not shown.is_of(row["secret_digest"]) or not _may_read_tokens(row, now=now):
        return None
    current = tokens.stored_token(row)
    if current is None or not current.lasts(seconds=min_ttl_seconds, now=now):
        return None
    return WarmToken(
        key_id=row["key_id"],
        key_prefix=shown.prefix,
        client_name=row["client_name"],
        tenant_id=row["tenant_id"],
        current=current,
        _row=row,
    )


def _may_read_tokens(row: Mapping[str, Any], *, now: datetime) -> bool:
    is_expired = row["key_expires_at"] is not None and row["key_expires_at"] <= now
    return not is_expired and Scope.TOKENS_READ in row["scopes"]


@cache
def _statement() -> str:
    """
    Return the statement; its parameters are the key's prefix, the suite key and the corp id.

    By hand: the ORM takes longer to write it than the database to answer it. Coverage is that of
    `tenants.queries.visible_tenants`, and a test compares the two.
    """
    keys, clients, suites, corps = _tables(ApiKey, ApiClient, Suite, AuthCorp)
    tenants, stored = _tables(Tenant, AccessToken)
    of_client, named = _tables(ApiClient.suites.through, ApiClient.tenants.through)
    return (
        f"SELECT {', '.join(_COLUMNS.values())} FROM {keys} k "  # noqa: S608 - names of ours only
        f"JOIN {clients} c ON c.id = k.client_id AND c.is_enabled "
        f"JOIN {of_client} covered ON covered.apiclient_id = c.id "
        f"JOIN {suites} s ON s.id = covered.suite_id "
        f"JOIN {tenants} t ON t.suite_id = s.id AND t.state = '{TenantState.ACTIVE.value}' "
        f"JOIN {corps} o ON o.id = t.corp_id "
        f"JOIN {stored} a ON a.tenant_id = t.id AND a.kind = '{TokenKind.CORP.value}' "
        f"WHERE k.prefix = %s AND k.revoked_at IS NULL AND s.suite_key = %s AND o.corp_id = %s "
        f"AND (c.covers_all_tenants OR EXISTS "
        f"(SELECT 1 FROM {named} n WHERE n.apiclient_id = c.id AND n.tenant_id = t.id))"
    )


def _tables(*models: Any) -> list[str]:
    return [f'"{model._meta.db_table}"' for model in models]


def _read(found: tuple[Any, ...]) -> dict[str, Any]:
    """Return the row by name; ids, times and JSON come as text. SQLite's times name no zone, and are UTC."""
    row = dict(zip(_COLUMNS, found, strict=True))
    for name in _IDS:
        row[name] = UUID(str(row[name]))
    for name in _MOMENTS:
        row[name] = row[name] and datetime.fromisoformat(str(row[name])).replace(tzinfo=UTC)
    row["scopes"] = json.loads(row["scopes"])
    return row
