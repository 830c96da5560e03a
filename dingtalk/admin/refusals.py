"""Admin of refused callbacks: what was wrong with the last one, and what it most likely means."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from dingtalk import diagnosis
from dingtalk.captured_requests import UnreadableCapture, read_capture
from dingtalk.diagnosis import Diagnosis
from dingtalk.foundation.admin_display import NOTHING, ago, label
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.foundation.read_only_admin import LongListAdmin
from dingtalk.models import CallbackRefusal
from dingtalk.protocol.diagnosis import Part

# Longer than this is said in minutes, hours or days.
_SHORT_SECONDS = 120
# The names that receiving gives them, in the words of `diagnosis.PARTS`.
REASONS = {
    "MalformedEnvelope": _("the form of the request"),
    "SignatureMismatch": _("the signature"),
    "DecryptionFailed": _("the EncodingAESKey"),
    "WrongReceiver": _("the receiver"),
    "StaleEnvelope": _("the timestamp"),
    "UnknownSuite": _("no suite has this callback URL"),
}
_STALE = _(
    "Its timestamp is outside the suite's freshness window: it is a replay, it was held up on the way, or "
    "the clock of this machine is wrong."
)


class ReasonFilter(SimpleListFilter):
    """Refusals for one reason, in words."""

    title = _("what was wrong")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer every reason."""
        return list(REASONS.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CallbackRefusal]
    ) -> QuerySet[CallbackRefusal]:
        """Keep those with the chosen reason."""
        reason = self.value()
        return queryset.filter(reason=reason) if reason in REASONS else queryset


@admin.register(CallbackRefusal)
class CallbackRefusalAdmin(LongListAdmin):
    """Callbacks that were answered 400, by suite, reason and day."""

    list_display = ("last_at", "suite", "shown_reason", "count", "last_source")
    list_display_links = ("last_at",)
    list_filter = (("suite", RelatedDropdownFilter), ReasonFilter, "day")
    list_filter_submit = True
    list_select_related = ("suite",)
    fieldsets = (
        (
            None,
            {"fields": (("suite", "shown_reason"), ("day", "count"), ("first_at", "last_at"), "last_source")},
        ),
        (
            _("diagnosis of the last one kept"),
            {"fields": ("sampled_at", "shown_part", "shown_cause", "shown_age")},
        ),
    )
    readonly_fields = ("shown_reason", "shown_part", "shown_cause", "shown_age")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallbackRefusal]:
        """Leave the samples in the database until one is looked at."""
        rows: QuerySet[CallbackRefusal] = super().get_queryset(request)
        return rows.defer("sample")

    @display(description=_("what was wrong"), ordering="reason")
    def shown_reason(self, refusal: CallbackRefusal) -> str:
        """Name the part that was wrong."""
        return str(REASONS.get(refusal.reason, refusal.reason))

    @display(description=_("what is wrong with it"))
    def shown_part(self, refusal: CallbackRefusal) -> SafeString | str:
        """Name the part that is wrong with the credentials as they are now."""
        found = _diagnosed(refusal)
        if found is None:
            return NOTHING
        if found.part != Part.NOTHING:
            return label(found.part_text, "warning")
        return (
            label(REASONS["StaleEnvelope"], "warning") if found.is_outside_window else label(found.part_text)
        )

    @display(description=_("likely cause"))
    def shown_cause(self, refusal: CallbackRefusal) -> str:
        """Say what most likely happened and what to do."""
        if refusal.suite is None:
            return str(
                _("The callback URL entered at DingTalk is not one of ours: copy it from the suite's page.")
            )
        found = _diagnosed(refusal)
        if found is None:
            return str(_("No sample is kept of this one, or it cannot be read."))
        if found.is_outside_window and found.part == Part.NOTHING:
            return str(_STALE)
        return f"{found.cause} ({found.subject})" if found.subject else str(found.cause)

    @display(description=_("age of its timestamp"))
    def shown_age(self, refusal: CallbackRefusal) -> str:
        """Say how far its timestamp was from our clock."""
        found = _diagnosed(refusal)
        if found is None or found.age_seconds is None:
            return NOTHING
        if abs(found.age_seconds) < _SHORT_SECONDS:
            return str(_("%(seconds)d seconds") % {"seconds": found.age_seconds})
        received_at = refusal.sampled_at or refusal.last_at
        return ago(received_at - timedelta(seconds=found.age_seconds), now=received_at)


def _diagnosed(refusal: CallbackRefusal) -> Diagnosis | None:
    """Diagnose the kept sample, once for all fields of a page."""
    if not hasattr(refusal, "_diagnosis"):
        found: Any = None
        try:
            if refusal.suite is not None and refusal.sample:
                captured = read_capture(bytes(refusal.sample))
                received_at = refusal.sampled_at or refusal.last_at
                found = diagnosis.diagnose_request(refusal.suite, captured, received_at=received_at)
        except (DecryptionError, UnreadableCapture):
            found = None
        refusal._diagnosis = found  # type: ignore[attr-defined]
    return refusal._diagnosis  # type: ignore[attr-defined, no-any-return]
