"""The page that shows a secret just made, once."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from dingtalk.foundation.admin_display import copyable


def shown_once(
    model_admin: ModelAdmin,
    request: HttpRequest,
    *,
    title: str,
    values: Sequence[tuple[Any, str]],
    next_url: str,
) -> TemplateResponse:
    """
    Return the page with these named values; no other page ever shows them.

    No cache keeps it: the admin forbids that for all of its pages.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "values": [(name, copyable(value)) for name, value in values],
        "next_url": next_url,
    }
    return TemplateResponse(request, "foundation/shown_once.html", context)
