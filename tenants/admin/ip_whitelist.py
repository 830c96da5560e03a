"""The button by which an operator tells DingTalk from where calls in a company's name may come."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from dingtalk.foundation.admin_buttons import back_from_dialog, confirmation
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.text import visible
from dingtalk.protocol.errors import DingTalkError
from tenants import suite_operations
from tenants.errors import TicketMissing, TokenUnavailable


class AddressesForm(BaseDialogForm):
    """Addresses, one a line."""

    addresses = forms.CharField(
        label=_("IPv4 addresses"),
        help_text=_("One a line. The last one or two parts may be stars: 192.0.2.*"),
        max_length=4_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5, "spellcheck": "false"}),
    )

    def clean_addresses(self) -> list[str]:
        """Return the addresses."""
        return suite_operations.checked_addresses(self.cleaned_data["addresses"].split())


class IpWhitelistAction:
    """Adds the button to the page of a tenant."""

    @action(
        description=_("Set IP allow-list"),
        permissions=["operate"],
        icon="shield",
        url_path="ip-whitelist",
        dialog=confirmation(
            _("From where may calls in this company's name come?"),
            _("The list at DingTalk is replaced. Calls from other addresses are refused there from then on."),
            form_class=AddressesForm,
        ),
    )
    def set_ip_whitelist(
        self: Any, request: HttpRequest, form: AddressesForm, object_id: str
    ) -> HttpResponse:
        """Replace the list at DingTalk."""
        tenant = self.get_object(request, object_id)
        if tenant is not None:
            text, level = self._ip_whitelist_set(request, tenant, form.cleaned_data["addresses"])
            self.message_user(request, text, level)
        page = reverse("admin:tenants_tenant_change", args=[object_id])
        return back_from_dialog(request, fallback=page)

    def _ip_whitelist_set(
        self: Any, request: HttpRequest, tenant: Any, addresses: list[str]
    ) -> tuple[str, int]:
        actor, now = operator_of(request), timezone.now()
        try:
            suite_operations.set_ip_whitelist(tenant, addresses=addresses, actor=actor, now=now)
        except (DingTalkError, TicketMissing, TokenUnavailable, ValidationError) as error:
            text = gettext("%(tenant)s: DingTalk did not take the list. %(reason)s")
            return text % {"tenant": tenant, "reason": visible(str(error))}, messages.ERROR
        self.log_change(request, tenant, "tenant.set_ip_whitelist")
        return gettext("%(tenant)s: DingTalk has the new list.") % {"tenant": tenant}, messages.SUCCESS
