"""
Finding companies by their ids, or by a part of their names.

On PostgreSQL a part of a name is found by an index of the pairs of letters in it (migration 0007), so that a
search among a million companies reads those that have all the pairs, and then compares.
"""

from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from tenants.models import AuthCorp

_PAIR = 2


class _HasParts(Func):
    """Whether a name has all the pairs of letters of a text, in any order: what the index can tell."""

    output_field = BooleanField()

    def __init__(self, name: str, text: str) -> None:
        super().__init__(F(name), Value(text), Value(min(len(text), _PAIR)))

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, Any]:  # noqa: ARG002
        parts = [compiler.compile(expression) for expression in self.get_source_expressions()]
        (name, _), (text, _), (shortest, _) = parts
        sql = f"company_name_parts({name}, 1) @> company_name_parts({text}, {shortest})"
        return sql, [value for _, values in parts for value in values]


def name_contains(field: str, text: str) -> Q:
    """Match rows whose company name in `field` has the text in it, in any letter case."""
    compared = Q(**{f"{field}__icontains": text})
    if connection.vendor != "postgresql" or not text:
        return compared
    return Q(_HasParts(field, text)) & compared


def companies_found(text: str) -> QuerySet[AuthCorp]:
    """Return the companies with that corp id, or with the text in one of their names."""
    named = name_contains("name", text) | name_contains("full_name", text)
    return AuthCorp.objects.filter(Q(corp_id=text) | named)
