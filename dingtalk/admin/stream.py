"""Admin of Stream connections."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.admin_display import NOTHING, ago, label
from dingtalk.foundation.read_only_admin import ReadOnlyAdmin
from dingtalk.models import ConnectionState, StreamConnection
from dingtalk.stream.leadership import with_liveness

_KINDS = {ConnectionState.CONNECTED: "success", ConnectionState.CONNECTING: "warning"}


@admin.register(StreamConnection)
class StreamConnectionAdmin(ReadOnlyAdmin):
    """Which process has which suite's connection, and how it is doing."""

    list_display = ("suite", "shown_state", "connected_since", "last_frame", "holder", "last_error")
    list_select_related = ("suite",)
    fields = (
        "suite",
        "shown_state",
        "holder",
        "connected_since",
        "last_frame_at",
        "last_error",
        "last_error_at",
        "lease_until",
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
    def last_frame(self, row: StreamConnection) -> str:
        """Say how long ago DingTalk sent something."""
        return ago(row.last_frame_at, now=timezone.now()) if row.last_frame_at else NOTHING
