"""Admin of outages."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.read_only_admin import LongListAdmin
from dingtalk.models import Outage


@admin.register(Outage)
class OutageAdmin(LongListAdmin):
    """Times in which pushes may have been lost, and when failed pushes were asked for afterwards."""

    list_display = ("began_at", "ended_at", "lasted", "kind", "followed_up_at")
    list_filter = ("kind",)
    fields = ("kind", "began_at", "ended_at", "lasted", "followed_up_at")
    readonly_fields = ("lasted",)

    @display(description=_("lasted"))
    def lasted(self, outage: Outage) -> str:
        """Say how long it was, in hours, minutes and seconds."""
        return str(outage.ended_at - outage.began_at).partition(".")[0]
