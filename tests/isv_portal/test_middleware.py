import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from isv_portal.middleware import client_address


def address_seen(**headers: str) -> str:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers=headers)
    seen = []
    client_address(lambda request: seen.append(request.META["REMOTE_ADDR"]) or HttpResponse())(request)
    return seen[0]


def test_a_forwarded_address_is_not_believed_without_a_proxy_of_ours(settings):
    settings.BEHIND_TLS_PROXY = False

    assert address_seen(x_forwarded_for="203.0.113.9") == "10.0.0.1"


@pytest.mark.parametrize("forwarded", ["203.0.113.9", "1.2.3.4, 203.0.113.9"])
def test_behind_a_proxy_the_last_forwarded_address_counts(settings, forwarded):
    settings.BEHIND_TLS_PROXY = True

    assert address_seen(x_forwarded_for=forwarded) == "203.0.113.9"


def test_behind_a_proxy_that_forwards_nothing_the_connection_counts(settings):
    settings.BEHIND_TLS_PROXY = True

    assert address_seen() == "10.0.0.1"
