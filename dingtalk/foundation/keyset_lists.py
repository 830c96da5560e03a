"""
Lists of the admin that cost the same at ten rows and at ten million.

Ids grow with time, so "newest first" is the order of the primary key. A page begins after the last id of the
one before it (a "keyset"), where an OFFSET would read and drop all rows up to there; and nothing counts the
table: of a large one the list says what PostgreSQL estimates.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from dingtalk.foundation.ids import first_id_of

# Parameters of a list's address: the id that the page ends before, or begins after.
OLDER_THAN = "older_than"
NEWER_THAN = "newer_than"
# Up to so many rows are counted.
COUNTED = 1_000


class KeysetPaginator(InfinitePaginator):
    """Names the template of the links; the pages themselves are made by the list."""

    template_name = "foundation/keyset_links.html"


class KeysetChangeList(ChangeList):
    """
    A list by descending id, a page at a time.

    `older_link` and `newer_link`: addresses of the neighbouring pages, empty where there is none.
    """

    older_link = ""
    newer_link = ""

    def get_filters_params(self, params: Any = None) -> Any:
        """Return what is filtered by: the place of the page is not."""
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in {OLDER_THAN, NEWER_THAN}}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """Return the one order that a page can be found by."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and one row more to know whether there is another."""
        older_than, newer_than = self._id_of(request, OLDER_THAN), self._id_of(request, NEWER_THAN)
        if newer_than is not None:
            nearest = self.queryset.filter(pk__gt=newer_than).order_by("pk")
            rows, is_cut = self._cut(nearest)
            rows.reverse()
            has_newer, has_older = is_cut, True
        else:
            rows, has_older = self._cut(
                self.queryset.filter(pk__lt=older_than) if older_than else self.queryset
            )
            has_newer = older_than is not None
        self._link(rows, has_newer=has_newer, has_older=has_older)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)

    def count_text(self) -> str:
        """Say how many rows the whole table has, if nothing is filtered; a large number is an estimate."""
        if self.has_active_filters or self.query:
            return ""
        count = self.model._base_manager.all()[: COUNTED + 1].count()
        if count <= COUNTED:
            return str(_("%(count)s in all")) % {"count": _grouped(count)}
        estimate = estimated_rows(self.model)
        if estimate <= COUNTED:
            return str(_("more than %(count)s in all")) % {"count": _grouped(COUNTED)}
        return str(_("about %(count)s in all (estimated)")) % {"count": _grouped(estimate)}

    def _id_of(self, request: HttpRequest, parameter: str) -> Any:
        text = request.GET.get(parameter)
        if not text:
            return None
        try:
            return self.lookup_opts.pk.to_python(text)
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error

    def _cut(self, rows: QuerySet[Any]) -> tuple[list[Any], bool]:
        found = list(rows[: self.list_per_page + 1])
        return found[: self.list_per_page], len(found) > self.list_per_page

    def _link(self, rows: list[Any], *, has_newer: bool, has_older: bool) -> None:
        if not rows:
            # Beyond the last page there is a way back only to the first.
            self.newer_link = self._address() if has_newer else ""
            return
        if has_newer:
            self.newer_link = self._address(**{NEWER_THAN: rows[0].pk})
        if has_older:
            self.older_link = self._address(**{OLDER_THAN: rows[-1].pk})

    def _address(self, **place: Any) -> str:
        return str(self.get_query_string({OLDER_THAN: None, NEWER_THAN: None, **place}))


class StoredSince(SimpleListFilter):
    """Rows stored lately, found by their ids, which hold the time."""

    title = gettext_lazy("stored")
    parameter_name = "stored_since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer a few spans."""
        return [
            ("1", _("in the last 24 hours")),
            ("7", _("in the last 7 days")),
            ("30", _("in the last 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen span."""
        days = self.value()
        if days not in {"1", "7", "30"}:
            return queryset
        since: datetime = timezone.now() - timedelta(days=int(days))
        return queryset.filter(pk__gte=first_id_of(since))


def _grouped(number: int) -> str:
    return str(number_format(number, force_grouping=True))


def estimated_rows(model: type[Model]) -> int:
    """Return how many rows PostgreSQL believes the table to have; 0 where it has no idea, and on SQLite."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return max(0, int(cursor.fetchone()[0]))
