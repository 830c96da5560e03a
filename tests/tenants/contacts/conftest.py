"""Tenants on a platform that answers, and apps that may see some of them."""

from tests.support.tenant_calls import (
    hidden_tenants,
    narrowed,
    other_suite,
    platform,
    simulator,
    suite,
    tenant,
)
from tests.tenants.api.conftest import _fresh_limits, make_app

__all__ = [
    "_fresh_limits",
    "hidden_tenants",
    "make_app",
    "narrowed",
    "other_suite",
    "platform",
    "simulator",
    "suite",
    "tenant",
]
