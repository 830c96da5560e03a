"""
Reading one push table: forward by id, and back over what may have come in behind us.

Ids are given when a row is written and seen when its transaction commits, so a smaller one can appear
after a larger one; a row can be written again in place; a table that is made anew may count from the start.
What is read twice is stored once.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from dingtalk.foundation.leases import claim_lease, extend_lease, release_lease
from dingtalk.foundation.processes import process_name
from dingtalk.models import RdsPosition
from dingtalk.rds.database import PushDatabase, Row, RowRef
from dingtalk.rds.rows import PushTable, read_row
from dingtalk.rds.storing import LeaseLost, Stored, store_rows, subscribed_suites

BATCH = 200
# The statement's own bound comes first: a reader that hangs in one still holds its lease when it is back.
LEASE_SECONDS = 20.0
EXTEND_SECONDS = 5.0
# How far back by id, and how often.
OVERLAP_ROWS = 1_000
OVERLAP_SECONDS = 2.0
# How far back by time, and how often: this reads the table as a whole.
SWEEP_BACK = timedelta(minutes=15)
SWEEP_ROWS = 5_000
SWEEP_SECONDS = 60.0
_REMEMBERED_ROWS = 20_000
_READER_LENGTH = 100

logger = logging.getLogger(__name__)


class TableReader:
    """Reads one table as long as it holds the lease; `turn` again and again."""

    def __init__(self, database: PushDatabase, table: PushTable, *, zone: ZoneInfo) -> None:
        self._database = database
        self._table = table
        self._zone = zone
        self._position: RdsPosition | None = None
        self._extended_at = 0.0
        self._overlapped_at = 0.0
        self._swept_at = 0.0
        self._seen: OrderedDict[RowRef, None] = OrderedDict()

    @property
    def table_name(self) -> str:
        """The table's name."""
        return self._table.name

    def turn(self) -> bool:
        """
        Read what is new; return whether there may be more at once.

        Does nothing while another process reads the table. Raises RdsUnavailable, django.db.Error.
        """
        try:
            if not self._hold():
                return False
            suites = subscribed_suites()
            self._start_over_for(suites)
            if self._read_forward(suites):
                return True
            return self._read_back(suites)
        except LeaseLost:
            logger.warning("rds_lease_lost", extra={"table": self._table.name})
            self._position = None
        return False

    def note_failure(self, error: str) -> None:
        """Show on the table's page why it is not read."""
        rows = RdsPosition.objects.filter(database=str(self._database.address), table=self._table.name)
        rows.update(last_error=error[:500])

    def release(self) -> None:
        """Let another process read the table at once."""
        position, self._position = self._position, None
        if position is not None:
            release_lease(RdsPosition.objects.all(), position.pk, position.lease_epoch)

    def _hold(self) -> bool:
        """Claim the table, or keep it; returns whether it is ours."""
        if self._position is None:
            self._position = self._claim()
        elif monotonic() - self._extended_at > EXTEND_SECONDS:
            position = self._position
            rows = RdsPosition.objects.all()
            if not extend_lease(rows, position.pk, position.lease_epoch, seconds=LEASE_SECONDS):
                raise LeaseLost
            self._extended_at = monotonic()
        return self._position is not None

    def _claim(self) -> RdsPosition | None:
        row, _ = RdsPosition.objects.get_or_create(
            database=str(self._database.address), table=self._table.name
        )
        epoch = claim_lease(RdsPosition.objects.all(), row.pk, seconds=LEASE_SECONDS)
        if epoch is None:
            return None
        RdsPosition.objects.filter(pk=row.pk).update(reader=process_name(max_length=_READER_LENGTH))
        row.refresh_from_db()
        self._extended_at = monotonic()
        self._overlapped_at = self._swept_at = 0.0
        self._seen.clear()
        logger.info("rds_reader_began", extra={"table": self._table.name, "row_id": row.last_id})
        return row

    def _read_forward(self, suites: dict[str, UUID]) -> bool:
        position = self._held()
        rows = self._database.rows_after(self._table.name, position.last_id, limit=BATCH)
        if rows:
            self._store(rows, suites, reached=int(rows[-1]["id"]))
        return len(rows) == BATCH

    def _read_back(self, suites: dict[str, UUID]) -> bool:
        """
        Look for rows that came in behind us; now and then at the table as a whole.

        Returns whether the table has to be read from the start.
        """
        now, reached = monotonic(), self._held().last_id
        if now - self._swept_at > SWEEP_SECONDS:
            self._start_over_if_made_anew()
            self._store_unseen(self._recently_modified(), suites)
            self._swept_at = now
        if now - self._overlapped_at > OVERLAP_SECONDS:
            position = self._held()
            refs = self._database.refs_up_to(self._table.name, position.last_id, limit=OVERLAP_ROWS)
            if position.last_id and (not refs or refs[0].id < position.last_id):
                # The last row is gone: replaced, removed, or all of them with the table.
                self._start_over_if_made_anew()
            self._store_unseen(refs, suites)
            self._overlapped_at = now
        return self._held().last_id < reached

    def _recently_modified(self) -> list[RowRef]:
        reached_at = self._held().last_modified_at
        if reached_at is None:
            return []
        since = (reached_at - SWEEP_BACK).astimezone(self._zone).replace(tzinfo=None)
        return self._database.refs_modified_since(self._table.name, since, limit=SWEEP_ROWS)

    def _store_unseen(self, refs: Iterable[RowRef], suites: dict[str, UUID]) -> None:
        last_id = self._held().last_id
        unseen = sorted(ref.id for ref in refs if ref not in self._seen and ref.id <= last_id)
        for start in range(0, len(unseen), BATCH):
            rows = self._database.rows_by_id(self._table.name, unseen[start : start + BATCH])
            if rows:
                self._store(rows, suites, reached=last_id)

    def _store(self, rows: list[Row], suites: dict[str, UUID], *, reached: int) -> None:
        position = self._held()
        read = [read_row(row, table=self._table, zone=self._zone) for row in rows]
        stored = store_rows(read, position=position, reached=reached, suites=suites, now=timezone.now())
        position.refresh_from_db()
        self._remember(RowRef(int(row["id"]), row["gmt_modified"]) for row in rows)
        self._log(stored)

    def _start_over_for(self, suites: dict[str, UUID]) -> None:
        """Rows of a suite that was not ours yet have been passed over: read them too."""
        position, names = self._held(), sorted(suites)
        if names == position.subscriptions:
            return
        if set(names) - set(position.subscriptions) and position.last_id:
            self._start_over("a suite was added")
        self._change(subscriptions=names)

    def _start_over_if_made_anew(self) -> None:
        position = self._held()
        facts = self._database.facts(self._table.name)
        is_other_table = position.table_version not in ("", facts.version)
        if position.last_id and (facts.last_id < position.last_id or is_other_table):
            self._start_over("the table begins anew")
        if facts.version != position.table_version:
            self._change(table_version=facts.version)

    def _start_over(self, reason: str) -> None:
        logger.warning("rds_read_from_the_start", extra={"table": self._table.name, "reason": reason})
        self._seen.clear()
        self._change(last_id=0)

    def _change(self, **changes: object) -> None:
        position = self._held()
        held = RdsPosition.objects.filter(pk=position.pk, lease_epoch=position.lease_epoch)
        if not held.update(**changes):
            raise LeaseLost
        position.refresh_from_db()

    def _held(self) -> RdsPosition:
        if self._position is None:
            raise LeaseLost
        return self._position

    def _remember(self, refs: Iterable[RowRef]) -> None:
        for ref in refs:
            self._seen[ref] = None
        while len(self._seen) > _REMEMBERED_ROWS:
            self._seen.popitem(last=False)

    def _log(self, stored: Stored) -> None:
        if stored.new:
            extra = {"table": self._table.name, "rows": stored.new, "of_others": stored.of_others}
            logger.info("rds_rows_stored", extra=extra)
