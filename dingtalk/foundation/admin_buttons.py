"""
Buttons of admin pages that do something.

Unfold's buttons are links, and a link must change nothing: anybody's page could follow it. So each
opens a dialog, and only its form, with Django's token against forgery, acts.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _


def confirmation(title: Any, description: Any, *, form_class: Any = None) -> dict[str, Any]:
    """Return the dialog that asks before a button acts; `form_class`: what it asks for besides."""
    return {
        "title": title,
        "description": description,
        "form_class": form_class,
        "form_submit_text": _("Do it"),
    }


def back_from_dialog(request: HttpRequest, *, fallback: str) -> HttpResponse:
    """Return to the page on which the dialog was opened, or to `fallback` when that is not known."""
    opened_on = request.headers.get("HX-Current-URL", "")
    is_ours = url_has_allowed_host_and_scheme(
        opened_on, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    target = opened_on if is_ours else fallback
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)
