"""
Events whose push DingTalk has given up, fetched back into the inbox.

Each call drops what the one before it returned. So a page is stored, and the transaction committed, before
the next call is made; and a page whose answer was lost on the way cannot be had again.
Source: open.dingtalk.com, "obtain-the-event-list-of-failed-push-messages"
"""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone

from dingtalk.client.callbacks import FailedPushes
from dingtalk.models import PushSource, ReceivedPush, Suite
from dingtalk.protocol.errors import TransportError
from dingtalk.protocol.failed_list import read_failed_entry
from dingtalk.protocol.json_guard import canonical_json

# Of one company at a time: the next turn goes on.
MAX_PAGES = 10
# The page exists nowhere else: wait for a database that does not store it, but not for ever.
STORE_TRIES = 5
STORE_PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one turn brought; `has_more`: there was more than is fetched in one."""

    pages: int
    entries: int
    new: int
    has_more: bool


def fetch_failed_pushes(*, suite: Suite, corp_id: str, ask: Callable[[], FailedPushes]) -> Fetched:
    """
    Fetch a company's failed pushes page by page, each stored before the next call.

    `ask` makes the call in the company's name. Raises what it raises; what was fetched before is stored.
    One process at a time for each company: another one's call would drop a page that is not stored yet.
    """
    pages = entries = new = 0
    has_more = True
    while has_more and pages < MAX_PAGES:
        page = _ask(ask, suite=suite, corp_id=corp_id)
        pages += 1
        entries += len(page.entries)
        new += _store_surely(page.entries, suite=suite, corp_id=corp_id)
        has_more = page.has_more and bool(page.entries)
    return Fetched(pages=pages, entries=entries, new=new, has_more=has_more)


def store_failed_pushes(entries: Sequence[Any], *, suite: Suite, corp_id: str) -> int:
    """Store entries of the list, each as a push, in one transaction; return how many are new."""
    now = timezone.now()
    digests = {_digest(entry, corp_id): entry for entry in entries}
    with transaction.atomic():
        stored = ReceivedPush.objects.filter(suite=suite, digest__in=digests)
        known = set(stored.values_list("digest", flat=True))
        rows = [
            ReceivedPush(
                suite=suite,
                digest=digest,
                received_at=now,
                source=PushSource.FAILED_LIST,
                body=read_failed_entry(entry, corp_id=corp_id),
            )
            for digest, entry in digests.items()
            if digest not in known
        ]
        ReceivedPush.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _ask(ask: Callable[[], FailedPushes], *, suite: Suite, corp_id: str) -> FailedPushes:
    try:
        return ask()
    except TransportError as error:
        if not error.retryable:
            logger.error("failed_pushes_page_lost", extra={"suite_key": suite.suite_key, "corp_id": corp_id})  # noqa: TRY400
        raise


def _store_surely(entries: Sequence[Any], *, suite: Suite, corp_id: str) -> int:
    for left in reversed(range(STORE_TRIES)):
        try:
            return store_failed_pushes(entries, suite=suite, corp_id=corp_id)
        except DatabaseError:
            if left == 0:
                extra = {"suite_key": suite.suite_key, "corp_id": corp_id, "entries": len(entries)}
                logger.error("failed_pushes_page_lost", extra=extra)  # noqa: TRY400 - the caller has the error
                raise
            connection.close()
            time.sleep(STORE_PAUSE_SECONDS)
    return 0


def _digest(entry: Any, corp_id: str) -> str:
    return hashlib.sha256(canonical_json(["failed_list", corp_id, entry])).hexdigest()
