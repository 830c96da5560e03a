"""Admin of the apps that call the REST API, and of their keys."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from dingtalk.foundation import audit
from dingtalk.foundation.admin_buttons import back_from_dialog, confirmation
from dingtalk.foundation.admin_display import label, page_link
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.read_only_admin import ReadOnlyAdmin, ReadOnlyInline
from dingtalk.foundation.shown_once import shown_once
from tenants.admin.proxy_paths import ProxyPathsAction, ProxyPathsField
from tenants.api_keys import create_key, revoke_key
from tenants.models import ApiClient, ApiKey, Scope

MAX_DAYS = 3650


class ApiClientForm(forms.ModelForm):
    """The form of an API client, with its scopes to tick."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy(
            "For the proxy each key needs proxy paths besides: set them on the key's page."
        ),
    )

    class Meta:
        model = ApiClient
        fields = ("name", "is_enabled", "scopes", "suites", "covers_all_tenants", "tenants")


class NewKeyForm(forms.Form):
    """What a new key is to be called, how long it is good, and what it may call at DingTalk."""

    label = forms.CharField(
        label=gettext_lazy("Label"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget
    )
    days = forms.IntegerField(
        label=gettext_lazy("Good for so many days"),
        help_text=gettext_lazy("Empty: it does not expire."),
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    proxy_paths = ProxyPathsField()


class KeyState:
    """Shows whether a key can be used."""

    @display(description=gettext_lazy("state"))
    def shown_state(self, key: ApiKey) -> SafeString:
        """Say whether the key can be used now."""
        if key.revoked_at is not None:
            return label(_("revoked"), "danger")
        if key.expires_at is not None and key.expires_at <= timezone.now():
            return label(_("expired"), "warning")
        return label(_("valid"), "success")


class KeyInline(KeyState, ReadOnlyInline):
    """The keys of a client."""

    model = ApiKey
    verbose_name_plural = gettext_lazy("API keys")
    fields = ("shown_key", "label", "shown_state", "created_at", "expires_at", "revoked_at", "last_used_at")

    @display(description=gettext_lazy("prefix"))
    def shown_key(self, key: ApiKey) -> SafeString:
        """Link to the key, where it can be revoked."""
        return page_link(key, key.prefix)


@admin.register(ApiClient)
class ApiClientAdmin(ModelAdmin):
    """Tenant apps: what they may do, whose tenants they see, and their keys."""

    form = ApiClientForm
    list_display = ("name", "is_enabled", "shown_scopes", "covers_all_tenants", "created_at")
    list_filter = ("is_enabled",)
    search_fields = ("name",)
    autocomplete_fields = ("suites", "tenants")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled", "scopes")}),
        (gettext_lazy("what it sees"), {"fields": ("suites", "covers_all_tenants", "tenants")}),
    )
    inlines = (KeyInline,)
    actions_detail = ("make_key",)

    def has_delete_permission(self, request: HttpRequest, obj: ApiClient | None = None) -> bool:
        """Refuse: its keys are history. It can be disabled."""
        return False

    def get_inlines(self, request: HttpRequest, obj: ApiClient | None) -> Any:
        """Show keys only of a client that there is."""
        return self.inlines if obj else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write what was changed into the audit trail, with what the client may do from now on."""
        super().save_related(request, form, formsets, change)
        data = form.cleaned_data
        details = {
            "enabled": data["is_enabled"],
            "scopes": data["scopes"],
            "suites": [suite.suite_key for suite in data["suites"]],
            "all_tenants": data["covers_all_tenants"],
            "only_tenants": [str(tenant.pk) for tenant in data["tenants"]],
        }
        verb = "change" if change else "create"
        audit.record(
            action=f"api_client.{verb}",
            actor=operator_of(request),
            target=form.instance,
            details=details,
            now=timezone.now(),
        )

    @display(description=gettext_lazy("scopes"))
    def shown_scopes(self, client: ApiClient) -> str:
        """Name the scopes."""
        return ", ".join(client.scopes)

    @action(description=gettext_lazy("Make a key"), permissions=["change"], icon="key", url_path="make-key")
    def make_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a label, make a key, and show it this once."""
        client = self.get_object(request, object_id)
        if client is None:
            raise Http404
        form = NewKeyForm(request.POST if request.method == "POST" else None)
        page = reverse("admin:tenants_apiclient_change", args=[client.pk])
        if not form.is_valid():
            return self._key_form_page(request, client, form, back_url=page)
        text = self._made_key(request, client, **form.cleaned_data)
        title = _("New key of %(client)s") % {"client": client}
        return shown_once(self, request, title=title, values=[(_("API key"), text)], next_url=page)

    def _made_key(
        self,
        request: HttpRequest,
        client: ApiClient,
        *,
        label: str,
        days: int | None,
        proxy_paths: list[str],
    ) -> str:
        now = timezone.now()
        expires_at = now + timedelta(days=days) if days else None
        _key, text = create_key(
            client=client,
            label=label,
            expires_at=expires_at,
            proxy_paths=proxy_paths,
            now=now,
            actor=operator_of(request),
        )
        return text

    def _key_form_page(
        self, request: HttpRequest, client: ApiClient, form: NewKeyForm, *, back_url: str
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Make a key for %(client)s") % {"client": client},
            "opts": self.opts,
            "form": form,
            "back_url": back_url,
        }
        return TemplateResponse(request, "tenants/admin/make_key.html", context)


@admin.register(ApiKey)
class ApiKeyAdmin(ProxyPathsAction, KeyState, ReadOnlyAdmin):
    """Keys: when they were made and last used; only a digest of the secret is stored."""

    list_display = ("prefix", "client", "label", "shown_state", "created_at", "expires_at", "last_used_at")
    list_filter = ("client",)
    list_select_related = ("client",)
    search_fields = ("prefix", "label", "client__name")
    fields = (
        ("client", "label"),
        ("prefix", "shown_state"),
        ("created_at", "expires_at"),
        ("last_used_at", "revoked_at"),
        "shown_proxy_paths",
    )
    readonly_fields = ("shown_state", "shown_proxy_paths")
    actions = ("revoke_selected",)
    actions_row = ("revoke",)
    actions_detail = ("set_proxy_paths", "revoke")

    @admin.action(description=gettext_lazy("Revoke"), permissions=["operate"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Refuse the selected keys from now on."""
        self._revoke(request, list(queryset))

    @action(
        description=gettext_lazy("Revoke"),
        permissions=["operate"],
        icon="block",
        url_path="revoke",
        dialog=confirmation(
            gettext_lazy("Revoke this key?"), gettext_lazy("It is refused at once. This cannot be undone.")
        ),
    )
    def revoke(self, request: HttpRequest, _form: Any, object_id: str) -> HttpResponse:
        """Refuse this key from now on."""
        key = self.get_object(request, object_id)
        self._revoke(request, [key] if key else [])
        return back_from_dialog(request, fallback=reverse("admin:tenants_apikey_change", args=[object_id]))

    def _revoke(self, request: HttpRequest, keys: list[ApiKey]) -> None:
        actor, now = operator_of(request), timezone.now()
        revoked = [key for key in keys if revoke_key(key, now=now, actor=actor)]
        for key in revoked:
            self.log_change(request, key, "api_key.revoke")
        count = len(revoked)
        text = ngettext("%(count)d key was revoked.", "%(count)d keys were revoked.", count) % {
            "count": count
        }
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)
