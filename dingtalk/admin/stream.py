"""Admin of Stream connections."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.admin_display import NOTHING, ago, breakable, label, unbroken
from dingtalk.foundation.read_only_admin import ReadOnlyAdmin
from dingtalk.foundation.text import visible
from dingtalk.models import ConnectionState, StreamConnection
from dingtalk.stream.leadership import with_liveness

_KINDS = {ConnectionState.CONNECTED: "success", ConnectionState.CONNECTING: "warning"}


@admin.register(StreamConnection)
class StreamConnectionAdmin(ReadOnlyAdmin):
    """Which process has which suite's connection, and how it is doing."""

    list_display = ("shown_suite", "shown_state", "since", "last_frame", "holder", "shown_error")
    list_display_links = ("shown_suite",)
    list_select_related = ("suite",)
    fields = (
        ("suite", "shown_state"),
        ("holder", "lease_until"),
        ("connected_since", "last_frame_at"),
        ("last_error", "last_error_at"),
    )
    readonly_fields = ("shown_state", "lease_until")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StreamConnection]:
        """Know whether a living process stands behind each row."""
        rows: QuerySet[StreamConnection] = super().get_queryset(request)
        return with_liveness(rows)

    @display(description=_("state"))
    def shown_state(self, row: StreamConnection) -> SafeString:
        """Say what the process that holds it says; one that is gone says nothing."""
        if row.state == ConnectionState.STOPPED or getattr(row, "is_held", False):
            state = ConnectionState(row.state)
            return label(state.label, _KINDS.get(state, ""))
        return label(_("its process is gone"), "danger")

    @display(description=_("last frame"))
    def last_frame(self, row: StreamConnection) -> SafeString:
        """Say how long ago DingTalk sent something."""
        return unbroken(ago(row.last_frame_at, now=timezone.now()))

    @display(description=_("connected since"))
    def since(self, row: StreamConnection) -> SafeString:
        """Say how long ago it was opened."""
        return unbroken(ago(row.connected_since, now=timezone.now()))

    @display(description=_("suite"), ordering="suite__name")
    def shown_suite(self, row: StreamConnection) -> SafeString:
        """Name the suite."""
        return unbroken(row.suite)

    @display(description=_("last error"))
    def shown_error(self, row: StreamConnection) -> SafeString:
        """Show the last error where it has room."""
        return breakable(visible(row.last_error) or NOTHING)
