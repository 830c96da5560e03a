"""The form of a suite: secrets go in and never come out."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from dingtalk import suites
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.models import Suite
from dingtalk.suite_values import OPTIONAL_SECRET_FIELDS, PLAIN_FIELDS, SECRET_FIELDS, checked_values

GENERATORS = {
    "callback_token": suites.generate_callback_token,
    "encoding_aes_key": suites.generate_encoding_aes_key,
}
SECRET_INPUTS = {f"new_{name}": name for name in (*SECRET_FIELDS, *OPTIONAL_SECRET_FIELDS)}


def _secret_input(label: Any) -> forms.CharField:
    # "new-password": browsers neither fill it in nor offer what was typed before.
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, widget=widget)


def _switch(label: Any, *, initial: bool = False, help_text: Any = "") -> forms.BooleanField:
    return forms.BooleanField(
        label=label, required=False, initial=initial, widget=UnfoldBooleanSwitchWidget(), help_text=help_text
    )


class SuiteForm(forms.ModelForm):
    """
    Reads a suite's values; `suites.register_suite` and `suites.change_suite` store them.

    After validation `values()` has what to store, and `generated` what the operator has to see once.
    """

    new_suite_secret = _secret_input(gettext_lazy("Suite secret"))
    new_callback_token = _secret_input(gettext_lazy("Callback token"))
    new_encoding_aes_key = _secret_input(gettext_lazy("EncodingAESKey"))
    new_sso_secret = _secret_input(gettext_lazy("SSO secret"))
    generate_callback_token = _switch(gettext_lazy("Generate a callback token"))
    generate_encoding_aes_key = _switch(gettext_lazy("Generate an EncodingAESKey"))
    keep_previous = _switch(
        gettext_lazy("Previous secrets work for another 48 hours"),
        initial=True,
        help_text=gettext_lazy("Switch it off when a secret has become known to others."),
    )

    class Meta:
        model = Suite
        fields = PLAIN_FIELDS
        widgets = {"js_domains": UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.generated: dict[str, str] = {}
        for input_name, name in SECRET_INPUTS.items():
            if input_name in self.fields:
                self.fields[input_name].help_text = self._hint(name)

    @property
    def is_new(self) -> bool:
        """Whether the suite is to be registered."""
        return bool(self.instance._state.adding)

    def values(self) -> dict[str, str]:
        """Return the values to store by the names of the suite's fields; an empty secret is left out."""
        data = self.cleaned_data
        plain = {name: data[name] for name in PLAIN_FIELDS if name in data}
        typed = {name: data[input_name] for input_name, name in SECRET_INPUTS.items() if data.get(input_name)}
        return {**plain, **typed, **self.generated}

    def clean(self) -> dict[str, Any]:
        """Check all values as the service will."""
        data = super().clean() or self.cleaned_data
        self._generate()
        for input_name, name in SECRET_INPUTS.items():
            is_needed = self.is_new and name in SECRET_FIELDS
            if is_needed and not data.get(input_name) and name not in self.generated:
                self.add_error(input_name, ValidationError(_("Required."), code="required"))
        try:
            checked_values(self.values())
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                self.add_error(name if name in PLAIN_FIELDS else f"new_{name}", errors)
        return data

    def _generate(self) -> None:
        for name, make in GENERATORS.items():
            if not self.cleaned_data.get(f"generate_{name}"):
                continue
            if self.cleaned_data.get(f"new_{name}"):
                message = _("Enter one or have one generated, not both.")
                self.add_error(f"new_{name}", ValidationError(message, code="ambiguous"))
            self.generated[name] = make()

    def _hint(self, name: str) -> str:
        if self.is_new:
            return _("As it stands in DingTalk's developer console.")
        try:
            value = getattr(self.instance, name)
        except DecryptionError:
            return _("Set, but it cannot be decrypted with the keys that are configured.")
        if value is None:
            return _("Not set.")
        shown = suites.fingerprint(value)
        return _("Set, fingerprint %(shown)s. Leave it empty to keep it.") % {"shown": shown}
