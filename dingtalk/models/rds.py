"""How far the push tables have been read; one reader at a time holds a table's row."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased


class RdsPosition(Leased):
    """
    How far one table of one push database has been read, and by whom.

    Moves in the same transaction that stores the rows. `subscriptions`: the suites that rows were taken of
    on the way; for one that is not among them the table is read from the start. `table_version`: changes
    when the table is made anew, and its ids may begin again.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    database = models.CharField(_("push database"), max_length=330, editable=False)
    table = models.CharField(_("table"), max_length=64, editable=False)
    last_id = models.BigIntegerField(_("id reached"), default=0, editable=False)
    last_modified_at = models.DateTimeField(_("time reached"), null=True, editable=False)
    table_version = models.CharField(max_length=64, blank=True, editable=False)
    subscriptions = models.JSONField(default=list, editable=False)
    rows_stored = models.PositiveBigIntegerField(_("rows stored"), default=0, editable=False)
    rows_of_others = models.PositiveBigIntegerField(_("rows of other suites"), default=0, editable=False)
    reader = models.CharField(_("reader"), max_length=100, blank=True, editable=False)
    last_stored_at = models.DateTimeField(_("last row"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("push table")
        verbose_name_plural = _("push tables")
        ordering = ["database", "table"]
        constraints = [
            models.UniqueConstraint(fields=["database", "table"], name="rds_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.database} {self.table}"
