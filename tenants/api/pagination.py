"""Pages of a list: a cursor over the id, which is unique and grows with time."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

MAX_LIMIT = 200
# Digits; below what a column of the database holds.
_LONGEST_NUMBER = 19


class NewestFirst(CursorPagination):
    """
    Newest first, `limit` (1 to 200) to a page.

    Neither count nor offset: a page costs the same wherever it is. A cursor holds an id and opens nothing:
    what the key does not cover is not on its page.
    """

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MAX_LIMIT

    def get_page_size(self, request: Request) -> int | None:
        """Return the page size; raises ValidationError instead of passing over a bad one."""
        text = request.query_params.get("limit")
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAX_LIMIT):
            raise ValidationError({"limit": _("A whole number from 1 to 200 is expected.")})
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Read the cursor; raises ValidationError for one that we did not make."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise _damaged_cursor() from error
        if cursor is not None and not (cursor.offset == 0 and self.is_id(cursor.position)):
            raise _damaged_cursor()
        return cursor

    def is_id(self, position: object) -> bool:
        """Whether a cursor of ours can hold this."""
        try:
            return isinstance(position, str) and str(UUID(position)) == position
        except ValueError:
            return False

    def _get_position_from_instance(self, instance: Any, ordering: Any) -> str:  # noqa: ARG002 - DRF's signature
        return str(instance.pk)

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Say in the schema that both links are always there."""
        paginated = super().get_paginated_response_schema(schema)
        return {**paginated, "required": ["next", "previous", "results"]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Say in the schema what `limit` may be."""
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50}
        return parameters


class NewestTransitions(NewestFirst):
    """The same over rows whose id is a number, which grows with time within a tenant."""

    def is_id(self, position: object) -> bool:
        """Whether a cursor of ours can hold this."""
        is_number = isinstance(position, str) and position.isascii() and position.isdigit()
        return is_number and len(str(position)) < _LONGEST_NUMBER


def _damaged_cursor() -> ValidationError:
    return ValidationError({"cursor": _("This cursor is damaged; begin without one.")})
