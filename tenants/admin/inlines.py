"""What belongs to a tenant, on its page."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.foundation.read_only_admin import ReadOnlyInline
from tenants.admin.display import code_label, explained_error
from tenants.models import AccessToken, TenantTransition, TmpAuthCode


class TokenInline(ReadOnlyInline):
    """The tenant's tokens, without their values."""

    model = AccessToken
    verbose_name_plural = _("access tokens")
    fields = ("kind", "issued_at", "expires_at", "method", "fallback_reason", "failures", "shown_error")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessToken]:
        """Leave the tokens in the database."""
        rows: QuerySet[AccessToken] = super().get_queryset(request)
        return rows.defer("token")

    @display(description=_("last error"))
    def shown_error(self, token: AccessToken) -> SafeString | str:
        """Show the error with its meaning."""
        return explained_error(token.last_error, token.last_error_code)


class TransitionInline(ReadOnlyInline):
    """The history of the tenant's states."""

    model = TenantTransition
    verbose_name_plural = _("history")
    fields = ("at", "platform_time", "from_state", "to_state", "generation", "shown_reason")

    @display(description=_("reason"))
    def shown_reason(self, transition: TenantTransition) -> str:
        """Show our own words in the operator's language; an event's name or DingTalk's words stay."""
        return gettext(transition.reason)


class CodeInline(ReadOnlyInline):
    """The temporary codes of the legacy push, without their values."""

    model = TmpAuthCode
    verbose_name_plural = _("temporary codes")
    fields = ("received_at", "shown_state", "generation", "exchange_started_at", "settled_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TmpAuthCode]:
        """Leave the codes in the database."""
        rows: QuerySet[TmpAuthCode] = super().get_queryset(request)
        return rows.defer("code")

    @display(description=_("state"))
    def shown_state(self, code: TmpAuthCode) -> SafeString:
        """Show what became of the code."""
        return code_label(code)
