"""Admin of received pushes."""

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from dingtalk.foundation.admin_display import page_link
from dingtalk.foundation.keyset_lists import StoredSince
from dingtalk.foundation.read_only_admin import LongListAdmin, ReadOnlyInline
from dingtalk.models import ReceivedEvent, ReceivedPush


class EventInline(ReadOnlyInline):
    """The events that a push brought."""

    model = ReceivedEvent
    fields = ("shown_type", "corp_id", "state", "attempts", "platform_time")
    ordering = ("id",)
    verbose_name_plural = _("received events")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivedEvent]:
        """Leave the payloads in the database."""
        rows: QuerySet[ReceivedEvent] = super().get_queryset(request)
        return rows.defer("payload")

    @display(description=_("event type"))
    def shown_type(self, event: ReceivedEvent) -> SafeString:
        """Link to the event."""
        return page_link(event, event)


@admin.register(ReceivedPush)
class ReceivedPushAdmin(LongListAdmin):
    """Envelopes as they came; what was in them is shown by their events."""

    list_display = ("received_at", "suite", "source", "events_in_it", "repeats", "split_at", "short_digest")
    list_filter = (("suite", RelatedDropdownFilter), ("source", ChoicesDropdownFilter), StoredSince)
    list_filter_submit = True
    list_select_related = ("suite",)
    search_fields = ("digest__exact",)
    search_help_text = _("digest, exactly")
    fields = (("suite", "source"), ("received_at", "split_at"), "repeats", "digest")
    inlines = (EventInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivedPush]:
        """Leave the bodies in the database, and count the events of the page's rows."""
        rows: QuerySet[ReceivedPush] = super().get_queryset(request)
        # A subquery: a join and GROUP BY would read the whole table for each page.
        events = ReceivedEvent.objects.filter(push=OuterRef("pk")).order_by().values("push")
        counts = events.annotate(number=Count("pk")).values("number")
        return rows.defer("body").annotate(event_count=Subquery(counts))

    @display(description=_("events"))
    def events_in_it(self, push: ReceivedPush) -> int:
        """Say how many events came of it."""
        return int(getattr(push, "event_count", None) or 0)

    @display(description=_("digest"))
    def short_digest(self, push: ReceivedPush) -> str:
        """Show enough of the digest to tell two pushes apart."""
        return push.digest[:12]
