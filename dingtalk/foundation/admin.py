"""Admin of the audit trail."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.admin_display import pretty_json
from dingtalk.foundation.models import AuditEntry
from dingtalk.foundation.read_only_admin import LongListAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(LongListAdmin):
    """Who did what, and when."""

    list_display = ("at", "actor", "actor_kind", "action", "object_label", "source_ip")
    list_filter = ("actor_kind",)
    search_fields = ("actor__exact", "action__exact", "object_id__exact", "request_id__exact")
    search_help_text = _("actor, action, object id or request id, exactly")
    fields = (
        ("at", "action"),
        ("actor", "actor_kind"),
        ("source_ip", "request_id"),
        ("object_type", "object_id"),
        "object_label",
        "shown_details",
    )
    readonly_fields = ("shown_details",)

    @display(description=_("details"))
    def shown_details(self, entry: AuditEntry) -> SafeString:
        """Show the details as JSON."""
        return pretty_json(entry.details)
