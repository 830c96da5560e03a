"""Admin of the fetching of failed pushes."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from dingtalk.foundation.admin_display import NOTHING, breakable
from dingtalk.foundation.read_only_admin import LongListAdmin
from dingtalk.foundation.text import visible
from tenants.models import FailedPushFetch


@admin.register(FailedPushFetch)
class FailedPushFetchAdmin(LongListAdmin):
    """For which companies failed pushes were fetched, and will be; what came is among the pushes."""

    list_display = ("shown_tenant", "wanted_at", "tried_at", "found", "shown_error")
    list_filter = (("tenant__suite", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("tenant__suite", "tenant__corp")
    search_fields = ("tenant__corp__corp_id__exact",)
    search_help_text = _("corp id, exactly")
    fields = ("tenant", ("wanted_at", "rounds_left"), ("tried_at", "found"), "last_error")

    @display(description=_("tenant"))
    def shown_tenant(self, fetch: FailedPushFetch) -> SafeString:
        """Name the tenant where it has room."""
        return breakable(str(fetch.tenant))

    @display(description=_("last error"))
    def shown_error(self, fetch: FailedPushFetch) -> SafeString:
        """Show the last error where it has room."""
        return breakable(visible(fetch.last_error) or NOTHING)
