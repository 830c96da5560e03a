"""
The secret of a suite, also while it is being changed.

For a while DingTalk may know only the value from before. When it refuses the current one, the previous one
is tried as long as it is live, and its use is noted, so that an operator sees when it may go.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q
from django.utils import timezone

from dingtalk.models import Suite
from dingtalk.protocol.errors import ApiError
from dingtalk.protocol.refused import is_secret_refused

AnswerT = TypeVar("AnswerT")

# One note a minute is enough to see whether the previous secret is in use.
NOTE_EVERY = timedelta(minutes=1)


def with_secret(suite: Suite, call: Callable[[str], AnswerT]) -> AnswerT:
    """Make a call with the suite's secret, and once more with the previous one if that is refused."""
    try:
        return call(suite.suite_secret)
    except ApiError as refusal:
        previous = _live_previous(suite, now=timezone.now())
        if previous is None or not is_secret_refused(refusal):
            raise
    answer = call(previous)
    _note_use(suite, now=timezone.now())
    return answer


def _live_previous(suite: Suite, *, now: datetime) -> str | None:
    until = suite.suite_secret_previous_until
    return suite.suite_secret_previous if until is not None and now < until else None


def _note_use(suite: Suite, *, now: datetime) -> None:
    noted = Q(suite_secret_previous_used_at=None) | Q(suite_secret_previous_used_at__lt=now - NOTE_EVERY)
    Suite.objects.filter(noted, pk=suite.pk).update(suite_secret_previous_used_at=now)
