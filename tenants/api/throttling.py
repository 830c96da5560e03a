"""How often: so many requests a minute for each key, so many failed authentications for each source."""

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tenants import limits, request_counts
from tenants.models import ApiKey

WINDOW_SECONDS = request_counts.WINDOW_SECONDS
FAILED_AUTHENTICATIONS_PER_MINUTE = 10


class KeyThrottle(BaseThrottle):
    """Limits the requests of one key to API_REQUESTS_PER_MINUTE; 0 means no limit."""

    def __init__(self) -> None:
        self._seconds_left = WINDOW_SECONDS

    def allow_request(self, request: Request, view: object) -> bool:  # noqa: ARG002 - DRF's signature
        key, most = request.auth, settings.API_REQUESTS_PER_MINUTE
        if not isinstance(key, ApiKey) or most == 0:
            return True
        counted = request_counts.count_request(key.pk, most=most)
        self._seconds_left = counted.seconds_left
        return counted.hits <= most

    def wait(self) -> float:
        """Return in how many seconds asking again makes sense."""
        return self._seconds_left


def count_failed_authentication(source: str) -> None:
    """Count a refused key; raises Throttled for a source with more than 10 in a minute."""
    name = limits.name_of(source)
    failed = limits.count(f"failed-authentication:{name}", window_seconds=WINDOW_SECONDS)
    if failed.hits > FAILED_AUTHENTICATIONS_PER_MINUTE:
        raise Throttled(wait=failed.seconds_left)
