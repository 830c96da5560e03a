"""Where a request comes from: the address that `isv_portal.middleware.client_address` found."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest
from rest_framework.request import Request

# What one household or one attacker has of IPv6.
_IPV6_SOURCE_BITS = 64


def address_of(request: Request | HttpRequest) -> str | None:
    """Return the caller's address as a database takes it; None when a proxy left no usable one."""
    address = _address(request)
    return None if address is None else str(address)


def source_of(request: Request) -> str:
    """Return what is limited together: an IPv4 address, the /64 network of an IPv6 one, all the rest."""
    address = _address(request)
    if isinstance(address, IPv6Address):
        return f"network {int(address) >> (128 - _IPV6_SOURCE_BITS):x}"
    return str(address)


def _address(request: Request | HttpRequest) -> IPv4Address | IPv6Address | None:
    # A zone is of no meaning here, and the database takes none: fe80::1%eth0.
    text = str(request.META.get("REMOTE_ADDR", "")).partition("%")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A server that listens on both writes IPv4 addresses in this form.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
