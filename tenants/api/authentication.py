"""Who calls: `Authorization: Bearer isv_…`, in no other header and never in the URL."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants import api_keys
from tenants.api.sources import source_of
from tenants.api.throttling import count_failed_authentication
from tenants.errors import KeyRefusal, KeyRefused
from tenants.models import ApiClient, ApiKey

logger = logging.getLogger(__name__)

REFUSALS = {
    KeyRefusal.UNKNOWN: _("This is not a valid API key."),
    KeyRefusal.EXPIRED: _("This API key has expired."),
    KeyRefusal.REVOKED: _("This API key has been revoked."),
    KeyRefusal.CLIENT_DISABLED: _("This API client has been disabled."),
}


class ApiKeyAuthentication(BaseAuthentication):
    """
    Sets `request.user` to the ApiClient and `request.auth` to the ApiKey.

    A key that is refused is counted by source. A right one is not held up by that: apps share addresses.
    """

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiKey] | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            key = api_keys.authenticate(text.strip(" "), now=timezone.now())
        except KeyRefused as refusal:
            logger.warning("An API key was refused", extra={"reason": refusal.reason.value})
            count_failed_authentication(source_of(request))
            raise AuthenticationFailed(REFUSALS[refusal.reason], code=refusal.reason.value) from refusal
        return key.client, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """With this the answer is 401 rather than 403."""
        return 'Bearer realm="ISV Portal"'
