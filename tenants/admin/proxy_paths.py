"""What a key may call through the proxy: the field to say it in, and the button that changes it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from dingtalk.foundation.admin_buttons import back_from_dialog, confirmation
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.text import visible
from tenants.api_keys import read_proxy_paths, set_proxy_paths
from tenants.models import ApiKey
from tenants.proxy.paths import MAX_PATTERN_LENGTH, MAX_PATTERNS, UnusablePattern
from tenants.proxy.wording import what_is_wrong_with


class ProxyPathsField(forms.CharField):
    """Patterns of paths, one on each line."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Proxy paths"),
            help_text=_(
                "Which paths of DingTalk's API the key may call, one on each line: /topapi/v2/user/get, "
                "/topapi/v2/user/*, /v1.0/contact/**. Empty: none."
            ),
            required=False,
            max_length=MAX_PATTERNS * (MAX_PATTERN_LENGTH + 2),
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 5, "spellcheck": "false"}),
        )

    def clean(self, value: Any) -> list[str]:
        """Return the patterns; raises ValidationError for what is none."""
        lines = [line.strip() for line in super().clean(value).splitlines()]
        try:
            return read_proxy_paths(line for line in lines if line)
        except UnusablePattern as error:
            raise forms.ValidationError(visible(what_is_wrong_with(error))) from error


class ProxyPathsForm(BaseDialogForm):
    """What a key may call from now on; begins with what it may call now."""

    proxy_paths = ProxyPathsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        key = ApiKey.objects.filter(pk=self.object_id).first()
        self.fields["proxy_paths"].initial = "\n".join(key.proxy_paths) if key else ""


class ProxyPathsAction:
    """Adds the button to the page of a key, and shows what it may call."""

    @display(description=_("proxy paths"))
    def shown_proxy_paths(self, key: ApiKey) -> SafeString | str:
        """Name the patterns, one on each line."""
        if not key.proxy_paths:
            return gettext("none: this key cannot use the proxy")
        return format_html_join(
            "", '<div class="breaks-anywhere">{}</div>', ((path,) for path in key.proxy_paths)
        )

    @action(
        description=_("Set proxy paths"),
        permissions=["operate"],
        icon="alt_route",
        url_path="proxy-paths",
        dialog=confirmation(
            _("What may this key call at DingTalk?"),
            _("The list is replaced, at once."),
            form_class=ProxyPathsForm,
        ),
    )
    def set_proxy_paths(
        self: Any, request: HttpRequest, form: ProxyPathsForm, object_id: str
    ) -> HttpResponse:
        """Replace the list."""
        key = self.get_object(request, object_id)
        if key is not None:
            paths = form.cleaned_data["proxy_paths"]
            if set_proxy_paths(key, paths, now=timezone.now(), actor=operator_of(request)):
                self.log_change(request, key, "api_key.set_proxy_paths")
            self.message_user(request, gettext("The key has its new list."), messages.SUCCESS)
        return back_from_dialog(request, fallback=reverse("admin:tenants_apikey_change", args=[object_id]))
