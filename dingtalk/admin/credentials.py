"""
The page that leads through a change of a suite's token, key or secret, one after the other.

Both values work meanwhile. The page says when DingTalk last used the previous one, so that nobody has to
guess when it may go.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dingtalk import suites
from dingtalk.admin.suite_form import GENERATORS
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.models import Suite
from dingtalk.suite_values import SECRET_FIELDS, checked_values

NAMES = {
    "callback_token": gettext_lazy("Callback token"),
    "encoding_aes_key": gettext_lazy("EncodingAESKey"),
    "suite_secret": gettext_lazy("Suite secret"),
}
# Where DingTalk's developer console has each of them.
PLACES = {
    "callback_token": gettext_lazy("in the app's event subscription (事件与回调), as Token"),
    "encoding_aes_key": gettext_lazy("in the app's event subscription (事件与回调), as EncodingAESKey"),
    "suite_secret": gettext_lazy("in the app's credentials (凭证与基础信息), where DingTalk makes it"),
}


@dataclass(frozen=True)
class CredentialState:
    """Where the change of one secret stands."""

    name: str
    title: Any
    place: Any
    can_generate: bool
    fingerprint: str
    previous_fingerprint: str
    previous_until: datetime | None
    previous_used_at: datetime | None

    @property
    def is_changing(self) -> bool:
        """Whether two values work now."""
        return bool(self.previous_fingerprint)


class NewValueForm(forms.Form):
    """A new value of one secret; empty means that one is to be generated, where that is ours to do."""

    name = forms.ChoiceField(choices=[(name, name) for name in SECRET_FIELDS])
    value = forms.CharField(required=False, max_length=512)

    def clean(self) -> dict[str, Any]:
        """Check the value as the service will."""
        data = super().clean() or self.cleaned_data
        name, value = data.get("name"), data.get("value")
        if name is None:
            return data
        if not value and name not in GENERATORS:
            raise ValidationError(_("DingTalk makes this one: copy it from there."), code="required")
        if value:
            try:
                checked_values({name: value})
            except ValidationError as error:
                raise ValidationError(error.messages) from error
        return data

    def new_value(self) -> tuple[str, bool]:
        """Return the value to store, and whether it was generated just now."""
        name, typed = self.cleaned_data["name"], self.cleaned_data["value"]
        return (typed, False) if typed else (GENERATORS[name](), True)


def states_of(suite: Suite, *, now: datetime) -> list[CredentialState]:
    """Return where the change of each of the suite's secrets stands."""
    return [_state(suite, name, now=now) for name in SECRET_FIELDS]


def _state(suite: Suite, name: str, *, now: datetime) -> CredentialState:
    until = getattr(suite, f"{name}_previous_until")
    is_live = until is not None and now < until
    return CredentialState(
        name=name,
        title=NAMES[name],
        place=PLACES[name],
        can_generate=name in GENERATORS,
        fingerprint=_fingerprint(suite, name),
        previous_fingerprint=_fingerprint(suite, f"{name}_previous") if is_live else "",
        previous_until=until if is_live else None,
        previous_used_at=getattr(suite, f"{name}_previous_used_at") if is_live else None,
    )


def _fingerprint(suite: Suite, name: str) -> str:
    try:
        value = getattr(suite, name)
    except DecryptionError:
        return "?"
    return suites.fingerprint(value) if value else ""
