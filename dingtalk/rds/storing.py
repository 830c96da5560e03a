"""Storing rows as received pushes, together with how far the table has been read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from dingtalk.foundation.leases import holds_lease
from dingtalk.models import PushMode, PushSource, RdsPosition, ReceivedPush, Suite
from dingtalk.rds.rows import PushRow
from dingtalk.tickets import store_tickets

_LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)


class LeaseLost(Exception):
    """Another process reads the table now: nothing was stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of some rows: new ones, ones that were known, and ones of suites that are not ours."""

    new: int
    known: int
    of_others: int


def subscribed_suites() -> dict[str, UUID]:
    """Return the suites whose events come by RDS, by the name that rows give them."""
    suites = Suite.objects.filter(push_mode=PushMode.RDS).exclude(suite_id="")
    return {f"{suite_id}_0": pk for pk, suite_id in suites.order_by("pk").values_list("pk", "suite_id")}


def store_rows(
    rows: Sequence[PushRow],
    *,
    position: RdsPosition,
    reached: int,
    suites: dict[str, UUID],
    now: datetime,
) -> Stored:
    """
    Store rows and note that the table was read up to the id `reached`, in one transaction.

    A row that says what a stored one says is counted there, unless it was read before. Raises LeaseLost.
    """
    ours = [(suites[row.subscribe_id], row) for row in rows if row.subscribe_id in suites]
    with transaction.atomic():
        known = _known_digests(ours)
        # A row of before `last_id` is read once more to be sure, which is no repeat of the platform's.
        again = {key for key in known if _is_beyond(key, ours, position.last_id)}
        new = [(suite_id, row) for suite_id, row in ours if (suite_id, row.digest) not in known]
        _advance(position, rows, reached=reached, stored=len(new), now=now, of_others=len(rows) - len(ours))
        ReceivedPush.objects.bulk_create(
            [_new_push(suite_id, row, now) for suite_id, row in new], ignore_conflicts=True
        )
        for suite_id, digest in again:
            ReceivedPush.objects.filter(suite_id=suite_id, digest=digest).update(repeats=F("repeats") + 1)
        for suite_id, row in new:
            store_tickets(suite_id=suite_id, tickets=row.tickets(), received_at=now)
    return Stored(new=len(new), known=len(known), of_others=len(rows) - len(ours))


def _known_digests(ours: Iterable[tuple[UUID, PushRow]]) -> set[tuple[UUID, str]]:
    digests = [row.digest for _, row in ours]
    return set(ReceivedPush.objects.filter(digest__in=digests).values_list("suite_id", "digest"))


def _is_beyond(key: tuple[UUID, str], ours: Iterable[tuple[UUID, PushRow]], last_id: int) -> bool:
    return any(row.id > last_id for suite_id, row in ours if (suite_id, row.digest) == key)


def _new_push(suite_id: UUID, row: PushRow, now: datetime) -> ReceivedPush:
    return ReceivedPush(
        suite_id=suite_id, digest=row.digest, received_at=now, source=PushSource.RDS, body=row.message
    )


def _advance(
    position: RdsPosition,
    rows: Sequence[PushRow],
    *,
    reached: int,
    stored: int,
    of_others: int,
    now: datetime,
) -> None:
    """Move the position, in the row and in `position`; only who holds its lease can."""
    times = [row.modified_at for row in rows if row.modified_at is not None and row.modified_at <= now]
    changes = {
        "last_id": reached,
        "last_modified_at": max([*times, position.last_modified_at or _LONG_AGO]),
        "rows_stored": position.rows_stored + stored,
        "rows_of_others": position.rows_of_others + (of_others if reached > position.last_id else 0),
        "last_stored_at": now if stored else position.last_stored_at,
        "last_error": "",
    }
    held = RdsPosition.objects.filter(holds_lease(position.lease_epoch), pk=position.pk)
    if not held.update(**changes):
        raise LeaseLost
