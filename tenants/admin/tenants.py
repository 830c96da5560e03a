"""Admin of tenants: what stands where with which company, and the two things an operator can do."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from dingtalk.foundation.admin_buttons import back_from_dialog, confirmation
from dingtalk.foundation.admin_display import NOTHING, ago, breakable, label, pretty_json, unbroken
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.read_only_admin import LongListAdmin
from dingtalk.foundation.text import visible
from tenants import operations
from tenants.admin.display import explained_error, short_error, state_label, waiting_label
from tenants.admin.inlines import CodeInline, TokenInline, TransitionInline
from tenants.admin.ip_whitelist import IpWhitelistAction
from tenants.company_search import search_companies
from tenants.errors import TenantNotActive, TokenUnavailable
from tenants.models import Tenant

# Each is asked for while the operator waits.
MAX_TOKENS_AT_ONCE = 10

_RECONCILE_DIALOG = confirmation(
    _("Reconcile this tenant now?"),
    _("DingTalk is asked how things stand, and the tenant is brought in line."),
)
_REFRESH_DIALOG = confirmation(
    _("Refresh this tenant's token?"), _("DingTalk is asked for a new one, which replaces the current one.")
)


@admin.register(Tenant)
class TenantAdmin(IpWhitelistAction, LongListAdmin):
    """Tenants are changed by what companies do at DingTalk; operators look, and have things tried again."""

    list_display = (
        "company",
        "shown_suite",
        "shown_state",
        "shown_waiting",
        "problem",
        "shown_update",
    )
    list_display_links = ("company",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("suite", RelatedDropdownFilter),
        ("waiting_for", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("suite", "corp")
    # What is searched by is in `get_search_results`; without any field there is no search box.
    search_fields = ("corp__corp_id",)
    search_help_text = _("beginning of a corp id, part of a company's name, or suite key")
    actions = ("reconcile_selected", "refresh_tokens_of_selected")
    actions_row = ("reconcile", "refresh_token")
    actions_detail = ("reconcile", "refresh_token", "set_ip_whitelist")
    inlines = (TokenInline, TransitionInline, CodeInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_state", "shown_waiting"),
                    "shown_error",
                    ("attempts", "next_reconcile_at"),
                    ("to_do", "shown_permanent_code"),
                )
            },
        ),
        (
            _("company"),
            {
                "fields": (
                    ("company_name", "shown_corp_id"),
                    ("company_full_name", "company_industry"),
                    ("suite", "auth_user_id"),
                )
            },
        ),
        (
            _("authorisation"),
            {
                "fields": (
                    ("grant_time", "authorized_at"),
                    ("activated_at", "relieved_at"),
                    ("shown_activation", "generation"),
                    "shown_agents",
                    "shown_switches",
                    "shown_scope",
                )
            },
        ),
    )
    readonly_fields = (
        "shown_state",
        "shown_waiting",
        "shown_error",
        "to_do",
        "shown_permanent_code",
        "shown_activation",
        "company_name",
        "shown_corp_id",
        "company_full_name",
        "company_industry",
        "shown_agents",
        "shown_switches",
        "shown_scope",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """Leave the permanent codes in the database; only whether there is one is asked."""
        rows: QuerySet[Tenant] = super().get_queryset(request)
        rows = rows.select_related("suite", "corp").defer("permanent_code")
        return rows.annotate(has_permanent_code=Q(permanent_code__isnull=False))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tenant], search_term: str
    ) -> tuple[QuerySet[Tenant], bool]:
        """Find the tenants of a suite or of companies."""
        return search_companies(queryset, search_term, corp="corp"), False

    @display(description=_("company"), header=True)
    def company(self, tenant: Tenant) -> list[str]:
        """Show the company's name above its corp id."""
        return [self.company_name(tenant), tenant.corp.corp_id]

    @display(description=_("state"))
    def shown_state(self, tenant: Tenant) -> SafeString:
        """Show the state by its colour."""
        return state_label(tenant)

    @display(description=_("waiting for"))
    def shown_waiting(self, tenant: Tenant) -> SafeString | str:
        """Show what the tenant waits for."""
        return waiting_label(tenant)

    @display(description=_("problem"))
    def problem(self, tenant: Tenant) -> SafeString:
        """Show what the last error means, in short."""
        return breakable(short_error(tenant.last_error, tenant.last_error_code))

    @display(description=_("updated"))
    def shown_update(self, tenant: Tenant) -> SafeString:
        """Say how long ago the tenant last changed."""
        return unbroken(ago(tenant.updated_at, now=timezone.now()))

    @display(description=_("suite"))
    def shown_suite(self, tenant: Tenant) -> SafeString:
        """Name the suite."""
        return unbroken(tenant.suite)

    @display(description=_("last error"))
    def shown_error(self, tenant: Tenant) -> SafeString | str:
        """Show the last error with what it means and what to do."""
        return explained_error(tenant.last_error, tenant.last_error_code)

    @display(description=_("to do"))
    def to_do(self, tenant: Tenant) -> str:
        """Name what the next reconcile will do."""
        due = {
            "grant_unconfirmed": _("confirm the authorisation"),
            "auth_info_due": _("fetch the auth info"),
            "auth_scope_due": _("fetch the scope"),
        }
        return ", ".join(str(text) for flag, text in due.items() if getattr(tenant, flag)) or NOTHING

    @display(description=_("permanent code"))
    def shown_permanent_code(self, tenant: Tenant) -> SafeString:
        """Say whether there is one."""
        is_set = getattr(tenant, "has_permanent_code", False)
        return label(gettext("set"), "success") if is_set else label(gettext("not set"))

    @display(description=_("name"))
    def company_name(self, tenant: Tenant) -> str:
        """Show the name as the company chose it, with what is invisible in it made visible."""
        return visible(tenant.corp.name) or NOTHING

    @display(description=_("activation note"))
    def shown_activation(self, tenant: Tenant) -> str:
        """Say in the operator's language what came of activation."""
        return gettext(tenant.activation_note) if tenant.activation_note else NOTHING

    @display(description=_("full name"))
    def company_full_name(self, tenant: Tenant) -> str:
        """Show the registered name."""
        return visible(tenant.corp.full_name) or NOTHING

    @display(description=_("industry"))
    def company_industry(self, tenant: Tenant) -> str:
        """Show the industry."""
        return visible(tenant.corp.industry) or NOTHING

    @display(description=_("corp id"))
    def shown_corp_id(self, tenant: Tenant) -> str:
        """Show the corp id."""
        return tenant.corp.corp_id

    @display(description=_("agents"))
    def shown_agents(self, tenant: Tenant) -> SafeString | str:
        """Show the app's agents in the company."""
        return pretty_json(tenant.agents) if tenant.agents else NOTHING

    @display(description=_("switches of the agents"))
    def shown_switches(self, tenant: Tenant) -> SafeString | str:
        """Show which agents the company switched off or on, and when."""
        return pretty_json(tenant.agent_switches) if tenant.agent_switches else NOTHING

    @display(description=_("authorised scope"))
    def shown_scope(self, tenant: Tenant) -> SafeString | str:
        """Show whom and what the app may see."""
        return pretty_json(tenant.auth_scope) if tenant.auth_scope else NOTHING

    @admin.action(description=_("Reconcile now"), permissions=["operate"])
    def reconcile_selected(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        """Have the selected tenants reconciled."""
        self._reconcile(request, list(queryset))

    @admin.action(description=_("Refresh token"), permissions=["operate"])
    def refresh_tokens_of_selected(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        """Renew the tokens of a few selected tenants."""
        selected = list(queryset[: MAX_TOKENS_AT_ONCE + 1])
        if len(selected) > MAX_TOKENS_AT_ONCE:
            text = gettext("Select at most %(count)d: each is waited for.") % {"count": MAX_TOKENS_AT_ONCE}
            self.message_user(request, text, messages.ERROR)
            return
        for tenant in selected:
            self._refresh_token(request, tenant)

    @action(
        description=_("Reconcile now"),
        permissions=["operate"],
        icon="sync",
        url_path="reconcile",
        dialog=_RECONCILE_DIALOG,
    )
    def reconcile(self, request: HttpRequest, _form: Any, object_id: str) -> HttpResponse:
        """Have this tenant reconciled."""
        tenant = self.get_object(request, object_id)
        self._reconcile(request, [tenant] if tenant else [])
        return back_from_dialog(request, fallback=_page_of(object_id))

    @action(
        description=_("Refresh token"),
        permissions=["operate"],
        icon="key",
        url_path="refresh-token",
        dialog=_REFRESH_DIALOG,
    )
    def refresh_token(self, request: HttpRequest, _form: Any, object_id: str) -> HttpResponse:
        """Renew this tenant's token."""
        if tenant := self.get_object(request, object_id):
            self._refresh_token(request, tenant)
        return back_from_dialog(request, fallback=_page_of(object_id))

    def _reconcile(self, request: HttpRequest, tenants: list[Tenant]) -> None:
        for tenant in tenants:
            operations.reconcile_now(tenant, actor=operator_of(request), now=timezone.now())
            self.log_change(request, tenant, "tenant.reconcile")
        text = ngettext(
            "%(count)d tenant is being reconciled.", "%(count)d tenants are being reconciled.", len(tenants)
        )
        self.message_user(request, text % {"count": len(tenants)}, messages.SUCCESS)

    def _refresh_token(self, request: HttpRequest, tenant: Tenant) -> None:
        self.log_change(request, tenant, "tenant.refresh_token")
        try:
            token = operations.refresh_token(tenant, actor=operator_of(request), now=timezone.now())
        except TenantNotActive as error:
            text = gettext("%(tenant)s: no token, the tenant is not active (%(state)s).")
            self.message_user(request, text % {"tenant": tenant, "state": error.state}, messages.ERROR)
        except TokenUnavailable as error:
            text = gettext("%(tenant)s: DingTalk gave no token. %(reason)s")
            self.message_user(
                request, text % {"tenant": tenant, "reason": visible(str(error))}, messages.ERROR
            )
        else:
            ends = formats.date_format(timezone.localtime(token.expires_at), "DATETIME_FORMAT")
            text = gettext("%(tenant)s: a new token, good until %(time)s.")
            self.message_user(request, text % {"tenant": tenant, "time": ends}, messages.SUCCESS)


def _page_of(tenant_id: str) -> str:
    return reverse("admin:tenants_tenant_change", args=[tenant_id])
