"""What a suite's connection is opened with."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from dingtalk.models import Suite


@dataclass(frozen=True, slots=True)
class StreamCredentials:
    """Key and secret of a suite, and for a while the secret before it."""

    suite_id: UUID
    suite_key: str
    suite_secret: str = field(repr=False)
    _previous: str = field(default="", repr=False)
    _previous_until: datetime | None = None

    def previous_secret(self) -> str:
        """Return the secret before the current one while it still counts, else an empty text."""
        until = self._previous_until
        return self._previous if until is not None and timezone.now() < until else ""


def read_credentials(suite_id: UUID) -> StreamCredentials:
    """Read them from the database; raises Suite.DoesNotExist, DecryptionError."""
    suite = Suite.objects.get(pk=suite_id)
    return StreamCredentials(
        suite_id=suite.pk,
        suite_key=suite.suite_key,
        suite_secret=suite.suite_secret,
        _previous=suite.suite_secret_previous or "",
        _previous_until=suite.suite_secret_previous_until,
    )
