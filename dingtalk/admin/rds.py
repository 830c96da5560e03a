"""Admin of the push tables of RDS mode."""

from django.contrib import admin
from django.db.models import BooleanField, Case, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.admin_display import NOTHING, ago, breakable, label, unbroken
from dingtalk.foundation.leases import lease_is_free
from dingtalk.foundation.read_only_admin import ReadOnlyAdmin
from dingtalk.foundation.text import visible
from dingtalk.models import RdsPosition


@admin.register(RdsPosition)
class RdsPositionAdmin(ReadOnlyAdmin):
    """How far each table was read, by whom, and what keeps it from being read."""

    list_display = ("shown_table", "shown_state", "last_id", "newest_row", "rows_stored", "shown_error")
    fields = (
        ("table", "database"),
        ("shown_state", "reader"),
        ("last_id", "last_modified_at"),
        ("rows_stored", "last_stored_at"),
        "rows_of_others",
        "last_error",
    )
    readonly_fields = ("shown_state",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RdsPosition]:
        """Know whether a living process reads each table."""
        rows: QuerySet[RdsPosition] = super().get_queryset(request)
        is_read = Case(
            When(lease_is_free(), then=Value(False)), default=Value(True), output_field=BooleanField()
        )
        annotated: QuerySet[RdsPosition] = rows.annotate(is_read=is_read)
        return annotated

    @display(description=_("push table"), header=True, ordering="table")
    def shown_table(self, row: RdsPosition) -> list[str]:
        """Show the table's name above that of its database."""
        return [row.table, row.database]

    @display(description=_("state"))
    def shown_state(self, row: RdsPosition) -> SafeString:
        """Say whether the table is being read."""
        if row.last_error:
            return label(_("cannot be read"), "danger")
        return label(_("being read"), "success") if getattr(row, "is_read", False) else label(_("not read"))

    @display(description=_("last row"))
    def newest_row(self, row: RdsPosition) -> SafeString:
        """Say how long ago a row was stored."""
        return unbroken(ago(row.last_stored_at, now=timezone.now()))

    @display(description=_("last error"))
    def shown_error(self, row: RdsPosition) -> SafeString:
        """Show the last error where it has room."""
        return breakable(visible(row.last_error) or NOTHING)
