"""Admin of background processes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.admin_display import ago, label, unbroken
from dingtalk.foundation.read_only_admin import ReadOnlyAdmin
from dingtalk.heartbeats import with_health
from dingtalk.models import ProcessHeartbeat


@admin.register(ProcessHeartbeat)
class ProcessHeartbeatAdmin(ReadOnlyAdmin):
    """Which processes there are, and whether each does what it is for."""

    list_display = ("kind", "health", "last_progress", "host", "pid", "version", "started_at")
    list_filter = ("kind",)
    fields = (
        ("kind", "health"),
        ("host", "pid", "version"),
        ("started_at", "last_progress_at", "ended_at"),
    )
    readonly_fields = ("health",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessHeartbeat]:
        """Know of each whether it is at work."""
        rows: QuerySet[ProcessHeartbeat] = super().get_queryset(request)
        return with_health(rows)

    @display(description=_("health"))
    def health(self, row: Any) -> SafeString:
        """Say whether it does something; one that was killed looks like one that hangs."""
        if row.ended_at is not None:
            return label(_("ended"))
        if row.is_at_work:
            return label(_("at work"), "success")
        return label(_("no progress: hangs, or was killed"), "danger")

    @display(description=_("last progress"), ordering="last_progress_at")
    def last_progress(self, row: ProcessHeartbeat) -> SafeString:
        """Say how long ago it did something."""
        return unbroken(ago(row.last_progress_at, now=timezone.now()))
