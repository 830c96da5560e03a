"""
The answer to the one request that apps make all day: a token that is stored, for a key that may have it.

Before Django, whose handler, signals, sessions, languages, routing and REST framework cost more than the
answer. It answers with 200 or not at all. Whatever is odd about a request, or is to be refused, renewed or
looked for, goes on to `tenants.api.views.TenantAccessToken`, as if nothing had been here: that view has the
whole truth about the endpoint, and this module only its commonest sentence. Tests hold the two together.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.utils import timezone

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.client_address import client_address
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.foundation.models import ActorKind
from dingtalk.foundation.prepared import drop_connection
from dingtalk.foundation.request_ids import REQUEST_ID_HEADER, request_id_of
from dingtalk.foundation.wsgi_answers import Answer, let_go_of_connection
from tenants import api_keys, request_counts, token_requests
from tenants.api.serializers import MAX_MIN_TTL_SECONDS
from tenants.api.sources import address_of
from tenants.tokens import DEFAULT_MIN_TTL_SECONDS, CorpToken
from tenants.warm_tokens import WarmToken, find_warm_token

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PATH = re.compile(r"/api/v1/tenants/([^/]+)/([^/]+)/access-token")
_QUERY = re.compile(r"(?:min_ttl=(0|[1-9][0-9]{0,3}))?", re.ASCII)
_ACCEPTED = frozenset({"", "*/*", "application/json"})
# What the view's answer has beside these speaks of the language, which this one has none of.
_HEADERS = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Allow", "GET, HEAD, OPTIONS"),
    ("X-Frame-Options", "DENY"),
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A plain request for a token."""

    shown: api_keys.ShownKey = field(repr=False)
    suite_key: str
    corp_id: str
    min_ttl_seconds: int


def warm_answer(environ: "WSGIEnvironment") -> Answer | None:
    """Return the answer to a WSGI request for a warm token; None for every other request."""
    if _PATH.fullmatch(environ.get("PATH_INFO", "")) is None:
        return None
    # What a proxy of ours says of address and scheme, and which hosts are ours, Django knows.
    request = WSGIRequest({**environ, "REMOTE_ADDR": client_address(environ)})
    try:
        return _answer(request)
    finally:
        let_go_of_connection()


def _answer(request: HttpRequest) -> Answer | None:
    wanted = _read(request)
    if wanted is None:
        return None
    now = timezone.now()
    try:
        warm = _find(wanted, now=now)
        if warm is None or not _is_within_limit(warm):
            return None
        return _hand_out(warm, wanted, request, now=now)
    except DecryptionError:
        return None
    except DatabaseError:
        # The kept connection may have died, or its plan be of another version: the view gets a new one.
        drop_connection()
        return None


def _read(request: HttpRequest) -> _Wanted | None:
    """Return what a plain request asks for; None for any other, which the view understands better."""
    meta = request.META
    path = _PATH.fullmatch(request.path_info)
    if path is None or request.method != "GET" or meta.get("HTTP_ACCEPT", "") not in _ACCEPTED:
        return None
    query = _QUERY.fullmatch(meta.get("QUERY_STRING", ""))
    scheme, _, text = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    shown = api_keys.read_shown_key(text) if scheme == "Bearer" else None
    if query is None or shown is None or not _is_our_host(request) or _is_to_be_redirected(request):
        return None
    min_ttl_seconds = DEFAULT_MIN_TTL_SECONDS if query[1] is None else int(query[1])
    if min_ttl_seconds > MAX_MIN_TTL_SECONDS:
        return None
    return _Wanted(shown, suite_key=path[1], corp_id=path[2], min_ttl_seconds=min_ttl_seconds)


def _is_our_host(request: HttpRequest) -> bool:
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


def _is_to_be_redirected(request: HttpRequest) -> bool:
    return bool(settings.SECURE_SSL_REDIRECT) and not request.is_secure()


def _find(wanted: _Wanted, *, now: datetime) -> WarmToken | None:
    return find_warm_token(
        wanted.shown,
        suite_key=wanted.suite_key,
        corp_id=wanted.corp_id,
        min_ttl_seconds=wanted.min_ttl_seconds,
        now=now,
    )


def _is_within_limit(warm: WarmToken) -> bool:
    most = settings.API_REQUESTS_PER_MINUTE
    return most == 0 or request_counts.count_request(warm.key_id, most=most).hits <= most


def _hand_out(warm: WarmToken, wanted: _Wanted, request: HttpRequest, *, now: datetime) -> Answer:
    request_id = request_id_of(request.META)
    address = address_of(request)
    token = token_requests.hand_out(
        warm,
        suite_key=wanted.suite_key,
        corp_id=wanted.corp_id,
        actor=Actor(
            kind=ActorKind.API_CLIENT, name=warm.client_name, source_ip=address, request_id=request_id
        ),
        logged={"request_id": request_id, "ip": address, "code": 200},
        now=now,
    )
    headers = [*_HEADERS, *_security_headers(request.is_secure()), (REQUEST_ID_HEADER, request_id)]
    return Answer(HTTPStatus.OK, _body(token, wanted), headers)


@cache
def _security_headers(is_secure: bool) -> list[tuple[str, str]]:
    """Return what Django's SecurityMiddleware adds to every answer."""
    scheme = "https" if is_secure else "http"
    request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": io.BytesIO()})
    with_headers = SecurityMiddleware(lambda _: HttpResponse())
    answer = with_headers.process_response(request, HttpResponse())
    return [(name, value) for name, value in answer.items() if name != "Content-Type"]


def _body(token: CorpToken, wanted: _Wanted) -> bytes:
    """Return what `tenants.api.serializers.TokenSerializer` makes of a token."""
    members: Mapping[str, str | int | datetime] = {
        "suite_key": wanted.suite_key,
        "corp_id": wanted.corp_id,
        "access_token": token.access_token,
        "expires_at": token.expires_at.astimezone(UTC),
        "expires_in": token.expires_in_seconds,
    }
    return orjson.dumps(members, option=orjson.OPT_UTC_Z)
