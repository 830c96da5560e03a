"""Admin pages of rows that are history: looked at, acted on, never edited."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from dingtalk.foundation.keyset_lists import KeysetChangeList, KeysetPaginator


class ReadOnlyAdmin(ModelAdmin):
    """
    Pages without anything to edit.

    Actions ask for the permission `operate`: that to change the model, as Django's permissions give it.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Whether the person may act on the rows."""
        meta = self.opts
        return bool(request.user.has_perm(f"{meta.app_label}.change_{meta.model_name}"))


class LongListAdmin(ReadOnlyAdmin):
    """
    The same for tables of millions of rows: nothing on the list page counts or sorts them.

    So it is ordered by id, pages by "previous" and "next", and offers no "select all".
    """

    paginator = KeysetPaginator
    sortable_by = ()
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_disable_select_all = True
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        """Return what makes the list."""
        return KeysetChangeList


class ReadOnlyInline(TabularInline):
    """Rows that belong to the one on the page; whoever may see that one sees these."""

    extra = 0
    max_num = 0
    can_delete = False
    hide_title = True
    per_page = 20

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return all fields: among them are some that no form may hold."""
        return self.fields

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
