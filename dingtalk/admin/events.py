"""Admin of received events."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from dingtalk import operations
from dingtalk.foundation.admin_buttons import back_from_dialog, confirmation
from dingtalk.foundation.admin_display import NOTHING, breakable, label, pretty_json, unbroken
from dingtalk.foundation.ids import is_id
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.foundation.keyset_lists import StoredSince
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.read_only_admin import LongListAdmin
from dingtalk.foundation.text import visible
from dingtalk.models import EventState, ReceivedEvent
from dingtalk.protocol.errors import ProtocolError
from dingtalk.protocol.event_catalogue import find_event

_SHORT_LENGTH = 80
_COLOURS = {
    EventState.PENDING: "info",
    EventState.HANDLED: "success",
    EventState.IGNORED: "",
    EventState.SUPERSEDED: "",
    EventState.FAILED: "warning",
    EventState.DEAD: "danger",
}


@admin.register(ReceivedEvent)
class ReceivedEventAdmin(LongListAdmin):
    """What DingTalk told us, what came of it, and a button to have it handled again."""

    list_display = (
        "received_at",
        "shown_type",
        "corp_id",
        "shown_suite",
        "shown_state",
        "attempts",
        "outcome",
    )
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("suite", RelatedDropdownFilter),
        ("is_known", BooleanRadioFilter),
        StoredSince,
    )
    list_filter_submit = True
    list_select_related = ("suite",)
    # What is searched by is in `get_search_results`; without any field there is no search box.
    search_fields = ("corp_id__exact",)
    search_help_text = _("corp id or event id, exactly; after a corp id an event type or biz id")
    actions = ("handle_selected_again",)
    actions_row = ("handle_again",)
    actions_detail = ("handle_again",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_type", "shown_state"),
                    ("suite", "corp_id"),
                    ("biz_type", "biz_id"),
                    ("documented_as", "feed_position"),
                    ("platform_time", "received_at"),
                    ("attempts", "next_attempt_at"),
                    ("handled_at", "code_version"),
                    "shown_note",
                    "last_error",
                )
            },
        ),
        (_("content, secrets masked"), {"fields": ("content", "push")}),
    )
    readonly_fields = ("shown_type", "documented_as", "shown_state", "shown_note", "content")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivedEvent]:
        """Leave the payloads in the database until one is looked at."""
        rows: QuerySet[ReceivedEvent] = super().get_queryset(request)
        return rows.defer("payload")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReceivedEvent], search_term: str
    ) -> tuple[QuerySet[ReceivedEvent], bool]:
        """Find events of a company, or one by its id: what an index serves. More words narrow it down."""
        first, *others = search_term.split() or [""]
        if not first:
            return queryset, False
        found = queryset.filter(pk=first) if is_id(first) else queryset.filter(corp_id=first)
        for word in others:
            found = found.filter(Q(event_type=word) | Q(biz_id=word))
        return found, False

    @display(description=_("event type"))
    def shown_type(self, event: ReceivedEvent) -> str:
        """Name the event's type, and whether it is unknown; a SyncHTTP row may have a number only."""
        name = event.event_type or (f"biz_type {event.biz_type}" if event.biz_type is not None else "?")
        return name if event.is_known else gettext("%(name)s (unknown)") % {"name": name}

    @display(description=_("DingTalk's words"))
    def documented_as(self, event: ReceivedEvent) -> str:
        """Say what DingTalk's documents say of the type, and its channel; in English, as our table has it."""
        known = find_event(event.event_type)
        return ", ".join((known.description, *known.priorities)) if known else NOTHING

    @display(description=_("suite"))
    def shown_suite(self, event: ReceivedEvent) -> SafeString:
        """Name the suite."""
        return unbroken(event.suite)

    @display(description=_("state"))
    def shown_state(self, event: ReceivedEvent) -> SafeString:
        """Show the state by its colour."""
        return label(event.get_state_display(), _COLOURS[EventState(event.state)])

    @display(description=_("note"))
    def shown_note(self, event: ReceivedEvent) -> str:
        """Say in the operator's language why nothing was done, or what was odd."""
        return gettext(event.note) if event.note else NOTHING

    @display(description=_("error or note"))
    def outcome(self, event: ReceivedEvent) -> SafeString:
        """Say in short what went wrong, or why nothing was done."""
        text = event.last_error or self.shown_note(event)
        return breakable(visible(text if len(text) <= _SHORT_LENGTH else f"{text[:_SHORT_LENGTH]}…"))

    @display(description=_("payload"))
    def content(self, event: ReceivedEvent) -> SafeString | str:
        """Show the decrypted content with its secrets masked."""
        try:
            data = event.data()
        except DecryptionError:
            return str(_("It cannot be decrypted with the keys that are configured."))
        except ProtocolError:
            return str(_("It cannot be read."))
        return pretty_json(data) if data else str(_("Removed after its retention time, or empty."))

    @admin.action(description=_("Handle again"), permissions=["operate"])
    def handle_selected_again(self, request: HttpRequest, queryset: QuerySet[ReceivedEvent]) -> None:
        """Put the selected events back."""
        self._put_back(request, list(queryset))

    @action(
        description=_("Handle again"),
        permissions=["operate"],
        icon="replay",
        url_path="handle-again",
        dialog=confirmation(
            _("Handle this event again?"),
            _("Its handler runs once more. What it changes is compared with newer events first."),
        ),
    )
    def handle_again(self, request: HttpRequest, _form: Any, object_id: str) -> HttpResponse:
        """Put this event back."""
        event = self.get_object(request, object_id)
        if event is not None:
            self._put_back(request, [event])
        page = reverse("admin:dingtalk_receivedevent_change", args=[object_id])
        return back_from_dialog(request, fallback=page)

    def _put_back(self, request: HttpRequest, events: list[ReceivedEvent]) -> None:
        event_ids = [event.pk for event in events]
        count = operations.handle_events_again(event_ids, actor=operator_of(request), now=timezone.now())
        if count:
            for event in events:
                self.log_change(request, event, "event.handle_again")
            text = ngettext(
                "%(count)d event will be handled again.", "%(count)d events will be handled again.", count
            )
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
        if left_out := len(event_ids) - count:
            text = ngettext(
                "%(count)d event was left out: it waits or is being handled, was superseded, or its "
                "content is gone.",
                "%(count)d events were left out: they wait or are being handled, were superseded, or their "
                "content is gone.",
                left_out,
            )
            self.message_user(request, text % {"count": left_out}, messages.WARNING)
