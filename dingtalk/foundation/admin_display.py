"""How values are shown in the admin: everything that comes from elsewhere is escaped and made visible."""

import json
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from dingtalk.foundation.redaction import redact
from dingtalk.foundation.text import visible

NOTHING = "–"
# What makes the buttons of `copyable` work.
COPY_SCRIPT = "foundation/copy.js"
_LONGEST_JSON = 100_000


def label(text: Any, kind: str = "") -> SafeString:
    """Return a coloured label; `kind`: success, info, warning, danger, or nothing for grey."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


def unbroken(text: Any) -> SafeString:
    """Return a short text that keeps to one line."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def breakable(text: str) -> SafeString:
    """Return a text whose long words are broken where there is no room."""
    return format_html('<span class="breaks-anywhere">{}</span>', text)


def page_link(row: Model, text: Any) -> SafeString:
    """Return a link to a row's page in the admin."""
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def pretty_json(value: Any) -> SafeString:
    """Return JSON over several lines with its secrets masked; the end of a very long one is left out."""
    text = json.dumps(redact(value), ensure_ascii=False, indent=2, cls=DjangoJSONEncoder)
    lines = [visible(line) for line in text[:_LONGEST_JSON].split("\n")]
    if len(text) > _LONGEST_JSON:
        lines.append("…")
    return format_html('<pre class="breaks-anywhere text-xs" translate="no">{}</pre>', "\n".join(lines))


def ago(moment: datetime | None, *, now: datetime) -> str:
    """Return how long ago something was, in the reader's language."""
    if moment is None:
        return NOTHING
    if moment > now:
        return _("in %(time)s") % {"time": timesince(now, moment, depth=1)}
    return _("%(time)s ago") % {"time": timesince(moment, now, depth=1)}


def copyable(text: str) -> SafeString:
    """Return a text with a button that copies it (COPY_SCRIPT has to be on the page)."""
    return format_html(
        '<span class="flex flex-wrap items-center gap-2">'
        '<code class="breaks-anywhere" translate="no">{}</code>'
        '<button type="button" data-copy="{}" data-copied="{}" class="border border-base-200 cursor-pointer '
        'px-2 py-1 rounded-default text-xs dark:border-base-700">{}</button></span>',
        text,
        text,
        _("Copied"),
        _("Copy"),
    )
