"""Whose address a request has."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings


def client_address(environ: Mapping[str, Any]) -> str:
    """
    Return the address that a WSGI request comes from, "" when it has none that is one.

    Behind a proxy of ours (BEHIND_TLS_PROXY), which appends what it saw, only the last entry of
    X-Forwarded-For can be believed.
    """
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")) if settings.BEHIND_TLS_PROXY else ""
    return _checked(forwarded.rpartition(",")[2].strip() or str(environ.get("REMOTE_ADDR", "")))


@lru_cache(maxsize=256)
def _checked(address: str) -> str:
    try:
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return ""
