"""How states and errors of tenants are shown."""

from django.template.defaultfilters import linebreaksbr
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dingtalk.foundation.admin_display import NOTHING, label
from dingtalk.foundation.text import visible
from dingtalk.protocol.error_table import ErrorEntry, find_error
from tenants.models import CodeState, Tenant, TenantState, TmpAuthCode, WaitingFor

_SHORT_LENGTH = 80
_STATE_COLOURS = {
    TenantState.AUTHORIZING: "info",
    TenantState.ACTIVATING: "info",
    TenantState.ACTIVE: "success",
    TenantState.STOPPED: "warning",
    TenantState.RELIEVED: "",
    TenantState.NEEDS_REAUTH: "danger",
    TenantState.FAILED: "danger",
}
_CODE_COLOURS = {
    CodeState.PENDING: "info",
    CodeState.EXCHANGING: "info",
    CodeState.EXCHANGED: "success",
    CodeState.SPENT: "warning",
    CodeState.LOST: "danger",
    CodeState.DISCARDED: "",
}


def state_label(tenant: Tenant) -> SafeString:
    """Return the tenant's state by its colour."""
    return label(tenant.get_state_display(), _STATE_COLOURS[TenantState(tenant.state)])


def code_label(code: TmpAuthCode) -> SafeString:
    """Return what became of a temporary code, by its colour."""
    return label(code.get_state_display(), _CODE_COLOURS[CodeState(code.state)])


def waiting_label(tenant: Tenant) -> SafeString | str:
    """Return what the tenant waits for, if anything."""
    if not tenant.waiting_for:
        return NOTHING
    needs_somebody = tenant.waiting_for in (WaitingFor.OPERATOR, WaitingFor.NEW_CODE)
    return label(tenant.get_waiting_for_display(), "danger" if needs_somebody else "info")


def short_error(error: str, code: str) -> str:
    """Return what an error means in one bounded line: by its code where it has one, else its own text."""
    text = f"{code}: {_known(code).meaning}" if code else error
    return visible(text if len(text) <= _SHORT_LENGTH else f"{text[:_SHORT_LENGTH]}…") or NOTHING


def explained_error(error: str, code: str) -> SafeString | str:
    """Return an error with what DingTalk's table says of its code: what it means, what to do."""
    if not error:
        return NOTHING
    lines = [visible(error)]
    if code:
        entry = _known(code)
        lines.append(_("%(code)s means: %(meaning)s") % {"code": visible(code), "meaning": entry.meaning})
        if entry.advice:
            lines.append(_("What to do: %(advice)s") % {"advice": entry.advice})
    return linebreaksbr("\n".join(lines), autoescape=True)


def _known(code: str) -> ErrorEntry:
    # Old codes are numbers and come with status 200, the names of v1.0 with a 4xx.
    return find_error(code, 200 if code.lstrip("-").isdigit() else 400)
