"""Who acts in the admin, for the audit trail."""

import ipaddress

import structlog
from django.http import HttpRequest

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind


def operator_of(request: HttpRequest) -> Actor:
    """Return the signed-in person of a request, with the address and the request id it came with."""
    bound = structlog.contextvars.get_contextvars()
    return Actor(
        kind=ActorKind.OPERATOR,
        name=request.user.get_username(),
        source_ip=_address(request.META.get("REMOTE_ADDR", "")),
        request_id=str(bound.get("request_id", "")),
    )


def _address(text: str) -> str | None:
    """Return the address, or None for what a proxy wrote there instead (`unknown`)."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
