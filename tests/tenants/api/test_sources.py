"""Telling callers apart by their address."""

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from dingtalk.foundation.models import AuditEntry
from tenants.api.sources import address_of, source_of
from tests.tenants.api.conftest import token_url


def request_from(address: str) -> Request:
    return Request(APIRequestFactory().get("/", REMOTE_ADDR=address))


@pytest.mark.parametrize(
    ("address", "understood"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("unknown", None),
        ("192.0.2.7:4711", None),
        ("1' OR 1=1", None),
    ],
)
def test_an_address_is_what_a_database_takes_as_one(address, understood):
    assert address_of(request_from(address)) == understood


@pytest.mark.parametrize(
    ("one", "other", "are_limited_together"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
        ("2001:db8::7", "2001:db8::ffff:8", True),
        ("2001:db8::7", "2001:db8:0:1::7", False),
        ("unknown", "forged", True),
    ],
)
def test_a_source_is_one_ipv4_address_or_one_ipv6_network(one, other, are_limited_together):
    assert (source_of(request_from(one)) == source_of(request_from(other))) == are_limited_together


@pytest.mark.django_db
def test_an_address_that_is_none_keeps_nobody_from_a_token(app, make_tenant, settings):
    settings.BEHIND_TLS_PROXY = True
    settings.SECURE_SSL_REDIRECT = False
    make_tenant("dingcorp0001")

    answer = app.get(token_url("dingcorp0001"), **{"X-Forwarded-For": "10.0.0.1, not an address"})

    assert answer.status_code == 200
    assert AuditEntry.objects.get(action="access_token.read").source_ip is None
