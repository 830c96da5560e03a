"""Admin of the fetching of failed pushes."""

from django.contrib import admin

from dingtalk.foundation.read_only_admin import LongListAdmin
from tenants.models import FailedPushFetch


@admin.register(FailedPushFetch)
class FailedPushFetchAdmin(LongListAdmin):
    """For which companies failed pushes were fetched, and will be; what came is among the pushes."""

    list_display = ("tenant", "tried_at", "found", "wanted_at", "last_error")
    list_filter = ("tenant__suite",)
    list_select_related = ("tenant__suite", "tenant__corp")
    search_fields = ("tenant__corp__corp_id__exact",)
    fields = ("tenant", "tried_at", "found", "wanted_at", "rounds_left", "last_error")
