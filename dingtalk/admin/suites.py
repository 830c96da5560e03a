"""Admin of suites."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from dingtalk import suites
from dingtalk.admin.credentials import NAMES, NewValueForm, states_of
from dingtalk.admin.suite_form import SECRET_INPUTS, SuiteForm
from dingtalk.foundation.admin_display import COPY_SCRIPT, ago, copyable, label
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.shown_once import shown_once
from dingtalk.models import (
    WAITING_STATES,
    CallbackRefusal,
    EventState,
    PushMode,
    ReceivedEvent,
    Suite,
    SuiteKind,
    SuiteTicket,
)
from dingtalk.suite_values import SECRET_FIELDS
from dingtalk.tickets import OVERDUE_AFTER

REFUSALS_OF = timedelta(days=7)
_SHOWN_ONCE = "_dingtalk_shown_once"


@admin.register(Suite)
class SuiteAdmin(ModelAdmin):
    """Suites: their callback URL, whether DingTalk reaches it, and how old the ticket is."""

    form = SuiteForm
    list_display: tuple[str, ...] = (
        "suite",
        "push_mode",
        "shown_callback",
        "shown_ticket",
        "shown_events",
    )
    list_display_links = ("suite",)
    search_fields = ("name", "suite_key", "suite_id")
    search_help_text = gettext_lazy("name, suite key or suite id")
    readonly_fields = ("shown_url", "shown_callback", "shown_ticket", "shown_refusals")
    fieldsets_of_new = (
        (None, {"fields": (("name", "suite_id"), "suite_key", ("push_mode", "kind"))}),
        (
            gettext_lazy("secrets"),
            {
                "fields": (
                    "new_suite_secret",
                    "new_callback_token",
                    "generate_callback_token",
                    "new_encoding_aes_key",
                    "generate_encoding_aes_key",
                )
            },
        ),
        (
            gettext_lazy("how tokens are obtained"),
            {
                "fields": (
                    ("activation", "corp_token_method"),
                    ("suite_token_method", "jsapi_ticket_method"),
                )
            },
        ),
        (
            gettext_lazy("pages, sign-in and callbacks"),
            {"fields": ("js_domains", ("isv_corp_id", "new_sso_secret"), "freshness_window_seconds")},
        ),
    )

    actions_detail: tuple[str, ...] = ("change_credentials",)

    class Media:
        js = (COPY_SCRIPT,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suite]:
        """Add what the list shows of tickets and events, in the same query."""
        newest = SuiteTicket.objects.filter(suite=OuterRef("pk")).order_by("-platform_time", "-received_at")
        rows: QuerySet[Suite] = super().get_queryset(request)
        return rows.annotate(
            ticket_time=Subquery(newest.values("platform_time")[:1]),
            waiting_count=_count_of(ReceivedEvent.objects.filter(state__in=WAITING_STATES)),
            dead_count=_count_of(ReceivedEvent.objects.filter(state=EventState.DEAD)),
        )

    def get_fieldsets(self, request: HttpRequest, obj: Suite | None = None) -> Any:
        """Put what DingTalk needs to know first; without the permission to change there are no inputs."""
        if obj is None:
            return self.fieldsets_of_new
        plain, secrets, *others = self.fieldsets_of_new
        callback = (
            gettext_lazy("callback"),
            {"fields": ("shown_url", ("shown_callback", "shown_ticket"), "shown_refusals")},
        )
        if not self.has_change_permission(request, obj):
            return (callback, plain, *(_without_secrets(fieldset) for fieldset in others))
        of_change = (secrets[0], {"fields": (*secrets[1]["fields"], "keep_previous")})
        return (callback, plain, of_change, *others)

    def get_readonly_fields(self, request: HttpRequest, obj: Suite | None = None) -> Any:
        """Fix the suite key once DingTalk has verified the suite."""
        fixed = ("suite_key",) if obj is not None and obj.callback_verified_at is not None else ()
        return (*self.readonly_fields, *fixed)

    def has_delete_permission(self, request: HttpRequest, obj: Suite | None = None) -> bool:
        """Refuse: with a suite its tickets, events and tenants would go."""
        return False

    def save_model(self, request: HttpRequest, obj: Suite, form: SuiteForm, change: bool) -> None:
        """Have the service store what the form read."""
        actor, now = operator_of(request), timezone.now()
        if change:
            keep = form.cleaned_data["keep_previous"]
            suites.change_suite(obj, changes=form.values(), actor=actor, now=now, keep_previous=keep)
        else:
            obj.pk = suites.register_suite(**form.values(), actor=actor, now=now).pk
            obj.refresh_from_db()
        setattr(request, _SHOWN_ONCE, form.generated)

    def response_add(self, request: HttpRequest, obj: Suite, post_url_continue: str | None = None) -> Any:
        """Go to the new suite's page, where its callback URL is; show first what was generated."""
        return self._generated_page(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_post_save_add(self, request: HttpRequest, obj: Suite) -> Any:
        """Stay with the new suite: its callback URL is what is needed next."""
        if not self.has_view_or_change_permission(request, obj):
            return super().response_post_save_add(request, obj)
        return HttpResponseRedirect(_page_of(obj))

    def response_change(self, request: HttpRequest, obj: Suite) -> Any:
        """Show what was generated, if anything was."""
        return self._generated_page(request, obj) or super().response_change(request, obj)

    @display(description=gettext_lazy("suite"), header=True, ordering="name")
    def suite(self, suite: Suite) -> list[str]:
        """Show the name above the suite key."""
        return [suite.name, suite.suite_key]

    @display(description=gettext_lazy("callback URL"))
    def shown_url(self, suite: Suite) -> SafeString:
        """Show the address to enter at DingTalk."""
        return copyable(suites.callback_url(suite))

    @display(description=gettext_lazy("callback"), ordering="callback_verified_at")
    def shown_callback(self, suite: Suite) -> SafeString:
        """Say whether DingTalk has verified the callback URL, and when it last did."""
        if suite.callback_verified_at is None:
            if suite.push_mode == PushMode.STREAM:
                return label(_("not needed with Stream"))
            return label(_("waits for DingTalk's check"), "warning")
        when = ago(suite.callback_verified_at, now=timezone.now())
        return label(_("verified %(when)s") % {"when": when}, "success")

    @display(description=gettext_lazy("suite ticket"), ordering="ticket_time")
    def shown_ticket(self, suite: Suite) -> SafeString:
        """Say how old the current ticket is."""
        if suite.kind == SuiteKind.CUSTOM_APP:
            return label(_("needs none"))
        ticket_time, now = getattr(suite, "ticket_time", None), timezone.now()
        if ticket_time is None:
            return label(_("none yet"), "warning")
        if now - ticket_time > OVERDUE_AFTER:
            return label(_("overdue, %(when)s") % {"when": ago(ticket_time, now=now)}, "danger")
        return label(ago(ticket_time, now=now), "success")

    @display(description=gettext_lazy("refused callbacks"))
    def shown_refusals(self, suite: Suite) -> SafeString | str:
        """Say how many callbacks were refused in the last days, and link to why."""
        since = timezone.localdate() - REFUSALS_OF
        days = CallbackRefusal.objects.filter(suite=suite, day__gt=since)
        count = days.aggregate(number=Sum("count"))["number"]
        if not count:
            return _("none in the last 7 days")
        url = reverse("admin:dingtalk_callbackrefusal_changelist")
        text = _("%(count)d in the last 7 days") % {"count": count}
        return format_html('<a class="text-link" href="{}?suite__id__exact={}">{}</a>', url, suite.pk, text)

    @display(description=gettext_lazy("events"))
    def shown_events(self, suite: Suite) -> SafeString | str:
        """Say how many events wait, and how many were given up."""
        waiting = _("%(count)d waiting") % {"count": getattr(suite, "waiting_count", None) or 0}
        dead = getattr(suite, "dead_count", None) or 0
        if not dead:
            return waiting
        return format_html("{} {}", waiting, label(_("%(count)d dead") % {"count": dead}, "danger"))

    @action(
        description=gettext_lazy("Change token, key or secret"),
        permissions=["change"],
        icon="autorenew",
        url_path="credentials",
    )
    def change_credentials(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead through the change of a secret; only a POST changes anything."""
        suite = self.get_object(request, object_id)
        if suite is None:
            raise Http404
        form = NewValueForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and request.POST.get("do") == "change":
            return self._changed_credential(request, suite, form)
        if request.POST.get("do") == "end" and request.POST.get("name") in SECRET_FIELDS:
            actor, name = operator_of(request), request.POST["name"]
            suites.end_previous(suite, name=name, actor=actor, now=timezone.now())
            text = _("%(secret)s: the previous value works no more.") % {"secret": NAMES[name]}
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change token, key or secret of %(suite)s") % {"suite": suite},
            "opts": self.opts,
            "states": states_of(suite, now=timezone.now()),
            "errors": form.non_field_errors() if form.is_bound else (),
            "back_url": _page_of(suite),
        }
        return TemplateResponse(request, "dingtalk/admin/credentials.html", context)

    def _changed_credential(self, request: HttpRequest, suite: Suite, form: NewValueForm) -> HttpResponse:
        name = form.cleaned_data["name"]
        value, is_generated = form.new_value()
        suites.change_suite(suite, changes={name: value}, actor=operator_of(request), now=timezone.now())
        if not is_generated:
            text = _("%(secret)s: the new value works.") % {"secret": NAMES[name]}
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(request.path)
        title = _("Enter these at DingTalk")
        return shown_once(self, request, title=title, values=[(NAMES[name], value)], next_url=request.path)

    def _generated_page(self, request: HttpRequest, suite: Suite) -> TemplateResponse | None:
        generated: dict[str, str] = getattr(request, _SHOWN_ONCE, {})
        if not generated:
            return None
        shown = [(SuiteForm.base_fields[f"new_{name}"].label, value) for name, value in generated.items()]
        shown.insert(0, (gettext_lazy("callback URL"), suites.callback_url(suite)))
        return shown_once(
            self,
            request,
            title=_("Enter these at DingTalk"),
            values=shown,
            next_url=_page_of(suite),
        )


def _without_secrets(fieldset: Any) -> Any:
    """The same fields without inputs of secrets, which are fields of the form and not of the suite."""
    name, options = fieldset
    fields = tuple(
        tuple(each for each in field if each not in SECRET_INPUTS) if isinstance(field, tuple) else field
        for field in options["fields"]
    )
    return name, {"fields": fields}


def _page_of(suite: Suite) -> str:
    return reverse("admin:dingtalk_suite_change", args=[suite.pk])


def _count_of(events: QuerySet[ReceivedEvent]) -> Subquery:
    of_suite = events.filter(suite=OuterRef("pk")).order_by().values("suite")
    return Subquery(of_suite.annotate(number=Count("pk")).values("number"))
