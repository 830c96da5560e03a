"""
Leases on rows: one worker at a time, and a late one is fenced off.

Whoever claims a row gets an epoch, a number that grows with each claim. It writes its result with
`holds_lease(epoch)` in the WHERE clause: when its lease ran out and another worker claimed the row,
nothing matches and nothing is written. Times are the database's, so that machines need not agree.

    epoch = claim_lease(Tenant.objects.all(), tenant_id, seconds=60)
    if epoch is not None:
        ...
        Tenant.objects.filter(holds_lease(epoch), pk=tenant_id).update(state=..., lease_until=None)
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.db.models.functions import Now
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

ModelT = TypeVar("ModelT", bound=models.Model)


class DatabaseNow(Now):
    """
    The database's time at the start of the statement.

    On SQLite in the very format of a stored datetime with six decimals (the last three are 0), so that
    text comparison is comparison of times.
    """

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, Any]:
        # Doubled twice: Func formats the template, the cursor formats the statement.
        template = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f000', 'NOW')"
        return self.as_sql(compiler, connection, template=template, **extra_context)


class _TimeOfWriting(DatabaseNow):
    """
    The database's time when the row is written.

    A statement can wait long for another transaction's row lock; counted from its start, its lease
    could be over when it is given. Not for conditions: an index cannot serve them.
    """

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="CLOCK_TIMESTAMP()", **extra_context)


class Leased(models.Model):
    """A row that one worker at a time may work on."""

    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
    lease_epoch = models.BigIntegerField(_("lease epoch"), default=0, editable=False)
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True


def lease_is_free() -> Q:
    """Match rows that nobody holds: never claimed, released, or claimed too long ago."""
    return Q(lease_until__isnull=True) | Q(lease_until__lt=DatabaseNow())


def holds_lease(epoch: int) -> Q:
    """Match the row while the claim that gave `epoch` is the last one and has not been released."""
    return Q(lease_epoch=epoch, lease_until__isnull=False)


def claim_lease(queryset: models.QuerySet[ModelT], pk: Any, *, seconds: float, **columns: Any) -> int | None:
    """
    Claim a row of the queryset for some seconds; return the epoch, or None when it cannot be had.

    It cannot when another holds it, when it is gone, or when it no longer matches the queryset. `columns`:
    what else is written with the claim.
    """
    using = router.db_for_write(queryset.model)
    sql, params = _claiming(queryset.using(using).filter(pk=pk), seconds=seconds, columns=columns)
    return _epoch_of_claim(connections[using], sql, params)


class Claim:
    """
    `claim_lease` for what is claimed all day: rows of one query set, with UUIDs, and the same columns.

    Django makes its SQL once, since making it costs more than the claim. `rows` is called for that.
    """

    def __init__(self, rows: Callable[[], models.QuerySet[Any]], *, seconds: float, **columns: Any) -> None:
        self._rows = rows
        self._seconds = seconds
        self._columns = columns
        # The SQL with its parameters for each kind of database, and what stands for the id among them.
        self._made: dict[str, tuple[str, tuple[Any, ...], Any]] = {}

    def __call__(self, pk: UUID) -> int | None:
        """Claim a row; return the epoch, or None when it cannot be had."""
        sql, params, any_id = self._made.get(connection.vendor) or self._make()
        wanted = pk if connection.features.has_native_uuid_field else pk.hex
        return _epoch_of_claim(connection, sql, [wanted if param == any_id else param for param in params])

    def _make(self) -> tuple[str, tuple[Any, ...], Any]:
        any_id = uuid4()
        queryset = self._rows().using(DEFAULT_DB_ALIAS).filter(pk=any_id)
        sql, params = _claiming(queryset, seconds=self._seconds, columns=self._columns)
        made = sql, tuple(params), queryset.model._meta.pk.get_db_prep_value(any_id, connection)
        self._made[connection.vendor] = made
        return made


def _claiming(
    queryset: models.QuerySet[Any], *, seconds: float, columns: Mapping[str, Any]
) -> tuple[str, Sequence[Any]]:
    """Return the statement that claims a row, and its parameters."""
    claim = cast(UpdateQuery, queryset.filter(lease_is_free()).query.chain(UpdateQuery))
    claim.add_update_values(
        {
            "lease_until": _TimeOfWriting() + timedelta(seconds=seconds),
            "lease_epoch": F("lease_epoch") + 1,
            **columns,
        }
    )
    # Django's own update tells only how many rows it wrote; the epoch would be one more question.
    sql, params = claim.get_compiler(queryset.db).as_sql()
    return f"{sql} RETURNING lease_epoch", params


def _epoch_of_claim(database: Any, sql: str, params: Sequence[Any]) -> int | None:
    with database.cursor() as cursor:
        cursor.execute(sql, params)
        epochs: list[tuple[int]] = cursor.fetchall()
    return epochs[0][0] if epochs else None


def extend_lease(queryset: models.QuerySet[ModelT], pk: Any, epoch: int, *, seconds: float) -> bool:
    """Hold a row for so many seconds from now; return whether the claim that gave `epoch` is the last one."""
    until = _TimeOfWriting() + timedelta(seconds=seconds)
    return bool(queryset.filter(holds_lease(epoch), pk=pk).update(lease_until=until))


def release_lease(queryset: models.QuerySet[ModelT], pk: Any, epoch: int) -> bool:
    """Give a row back; return whether the claim that gave `epoch` was still the last one."""
    return bool(queryset.filter(holds_lease(epoch), pk=pk).update(lease_until=None))
