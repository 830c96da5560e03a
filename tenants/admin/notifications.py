"""Admin of work notifications: who sent how much to whom and what came of it; never what was said."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from dingtalk.foundation.admin_display import NOTHING, breakable, label
from dingtalk.foundation.read_only_admin import LongListAdmin
from tenants.admin.display import explained_error, short_error
from tenants.errors import SendConflictReason
from tenants.models import Notification, NotificationState, Tenant
from tenants.notifications.answers import CONFLICTS

# Digits; below what the column holds.
_LONGEST_TASK_ID = 19
_COLOURS = {
    NotificationState.SENDING: "info",
    NotificationState.SENT: "success",
    NotificationState.FAILED: "danger",
    NotificationState.UNKNOWN: "warning",
    NotificationState.RECALLED: "",
}


@admin.register(Notification)
class NotificationAdmin(LongListAdmin):
    """The send log of all apps. What was said is nowhere, and to whom is for the app to know."""

    list_display = (
        "created_at",
        "shown_tenant",
        "client",
        "shown_receivers",
        "shown_state",
        "problem",
        "task_id",
    )
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("client", RelatedDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("tenant__corp", "tenant__suite", "client")
    # What is searched by is in `get_search_results`; without any field there is no search box.
    search_fields = ("tenant__corp__corp_id__exact",)
    search_help_text = gettext_lazy("corp id, task id or DingTalk's request id, exactly")
    fields = (
        ("tenant", "agent_id"),
        ("client", "key_prefix"),
        ("kind", "message_type", "template_id"),
        ("shown_receivers", "shown_state"),
        ("created_at", "attempt_started_at"),
        ("sent_at", "recalled_at"),
        ("task_id", "dingtalk_request_id"),
        "idempotency_key",
        "shown_error",
    )
    readonly_fields = ("shown_receivers", "shown_state", "shown_error")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Leave what names people in the database."""
        rows: QuerySet[Notification] = super().get_queryset(request)
        return rows.defer("warnings")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Notification], search_term: str
    ) -> tuple[QuerySet[Notification], bool]:
        """Find what an index serves; the company is looked up before, so that one table is asked."""
        text = search_term.strip(' "')
        if not text:
            return queryset, False
        tenants = Tenant.objects.filter(corp__corp_id=text).values_list("pk", flat=True)
        found = Q(tenant__in=list(tenants)) | Q(dingtalk_request_id=text)
        if text.isascii() and text.isdigit() and len(text) < _LONGEST_TASK_ID:
            found |= Q(task_id=int(text))
        return queryset.filter(found), False

    @display(description=gettext_lazy("tenant"))
    def shown_tenant(self, notification: Notification) -> SafeString:
        """Name the tenant where it has room."""
        return breakable(str(notification.tenant))

    @display(description=gettext_lazy("receivers"))
    def shown_receivers(self, notification: Notification) -> str:
        """Say how many were named."""
        if notification.to_all_users:
            return _("everybody")
        people, departments = notification.user_count, notification.dept_count
        counts = {
            ngettext("%(count)d person", "%(count)d people", people): people,
            ngettext("%(count)d department", "%(count)d departments", departments): departments,
        }
        named = [text % {"count": count} for text, count in counts.items() if count]
        return ", ".join(named) or NOTHING

    @display(description=gettext_lazy("state"))
    def shown_state(self, notification: Notification) -> SafeString:
        """Show the state by its colour."""
        return label(notification.get_state_display(), _COLOURS[NotificationState(notification.state)])

    @display(description=gettext_lazy("problem"))
    def problem(self, notification: Notification) -> SafeString:
        """Show in short why it was not sent."""
        return breakable(short_error("", notification.dingtalk_code))

    @display(description=gettext_lazy("last error"))
    def shown_error(self, notification: Notification) -> SafeString | str:
        """Show DingTalk's code with what it means and what to do, or what a lost answer means."""
        if notification.state == NotificationState.UNKNOWN:
            return str(CONFLICTS[SendConflictReason.OUTCOME_UNKNOWN])
        return explained_error(notification.dingtalk_code, notification.dingtalk_code)
