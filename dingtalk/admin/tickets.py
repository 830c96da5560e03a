"""Admin of suite tickets."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.admin_display import ago
from dingtalk.foundation.read_only_admin import LongListAdmin
from dingtalk.models import SuiteTicket


@admin.register(SuiteTicket)
class SuiteTicketAdmin(LongListAdmin):
    """When which suite got a ticket; never the ticket."""

    list_display = ("suite", "platform_time", "received_at", "age")
    list_filter = ("suite",)
    list_select_related = ("suite",)
    fields = ("suite", "platform_time", "received_at", "age")
    readonly_fields = ("age",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SuiteTicket]:
        """Leave the ticket itself in the database."""
        rows: QuerySet[SuiteTicket] = super().get_queryset(request)
        return rows.defer("ticket")

    @display(description=_("age"))
    def age(self, ticket: SuiteTicket) -> str:
        """Say how old the ticket is by DingTalk's time of it."""
        return ago(ticket.platform_time, now=timezone.now())
