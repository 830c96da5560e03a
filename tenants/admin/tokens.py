"""Admin of access tokens."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from dingtalk.foundation.admin_display import label
from dingtalk.foundation.read_only_admin import LongListAdmin
from tenants.admin.display import explained_error
from tenants.company_search import search_companies
from tenants.models import AccessToken


@admin.register(AccessToken)
class AccessTokenAdmin(LongListAdmin):
    """Which tokens there are, how they were obtained and until when they are good; never the token."""

    list_display = ("kind", "suite", "tenant", "shown_state", "issued_at", "expires_at", "method", "failures")
    list_filter = (("kind", ChoicesDropdownFilter), ("suite", RelatedDropdownFilter))
    list_filter_submit = True
    list_select_related = ("suite", "tenant__corp", "tenant__suite")
    # What is searched by is in `get_search_results`; without any field there is no search box.
    search_fields = ("tenant__corp__corp_id",)
    search_help_text = gettext_lazy("beginning of a corp id, part of a company's name, or suite key")
    fields = (
        ("kind", "shown_state"),
        ("suite", "tenant"),
        ("issued_at", "expires_at"),
        ("refresh_at", "last_used_at"),
        ("method", "fallback_reason"),
        ("failures", "retry_at"),
        "shown_error",
    )
    readonly_fields = ("shown_state", "shown_error")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessToken]:
        """Leave the tokens in the database; only whether there is one is asked."""
        rows: QuerySet[AccessToken] = super().get_queryset(request)
        return rows.defer("token").annotate(has_token=Q(token__isnull=False))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AccessToken], search_term: str
    ) -> tuple[QuerySet[AccessToken], bool]:
        """Find the tokens of a suite or of companies."""
        return search_companies(queryset, search_term, corp="tenant__corp"), False

    @display(description=gettext_lazy("state"))
    def shown_state(self, token: AccessToken) -> SafeString:
        """Say whether the token is good now."""
        if token.failures:
            return label(_("renewal fails"), "danger")
        if not getattr(token, "has_token", False) or token.expires_at is None:
            return label(_("none"))
        return label(_("good"), "success") if token.expires_at > timezone.now() else label(_("expired"))

    @display(description=gettext_lazy("last error"))
    def shown_error(self, token: AccessToken) -> SafeString | str:
        """Show the last error with what it means and what to do."""
        return explained_error(token.last_error, token.last_error_code)
