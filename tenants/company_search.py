"""
Finding companies by their ids, or by a part of their names.

On PostgreSQL a part of a name is found by an index of the pairs of letters in it (migration 0007), so that a
search among a million companies reads those that have all the pairs, and then compares.
"""

from typing import TypeVar

from django.db import connection
from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, TextField, Value
from django.db.models.expressions import CombinedExpression

from dingtalk.models import Suite
from tenants.models import AuthCorp

ModelT = TypeVar("ModelT", bound=Model)

_PAIR = 2


class _Parts(Func):
    """The pairs of letters in a text, or the letters and the pairs."""

    function = "company_name_parts"
    output_field = TextField()


def _has_parts(field: str, text: str) -> CombinedExpression:
    """Return whether a name has all the pairs of a text, in any order: what the index can tell."""
    wanted = _Parts(Value(text), Value(min(len(text), _PAIR)))
    return CombinedExpression(_Parts(F(field), Value(1)), "@>", wanted, output_field=BooleanField())


def name_contains(field: str, text: str) -> Q:
    """Match rows whose company name in `field` has the text in it, in any letter case."""
    compared = Q(**{f"{field}__icontains": text})
    if connection.vendor != "postgresql" or not text:
        return compared
    return Q(_has_parts(field, text)) & compared


def companies_found(text: str) -> QuerySet[AuthCorp]:
    """Return the companies whose corp id begins with the text, or that have it in one of their names."""
    named = name_contains("name", text) | name_contains("full_name", text)
    return AuthCorp.objects.filter(Q(corp_id__startswith=text) | named)


def search_companies(rows: QuerySet[ModelT], text: str, *, corp: str) -> QuerySet[ModelT]:
    """Return the rows of the suite with that key, else of the companies found; `corp`: the way there."""
    text = text.strip(' "')
    if not text:
        return rows
    suite = Suite.objects.filter(suite_key=text).first()
    if suite is not None:
        return rows.filter(suite=suite)
    return rows.filter(**{f"{corp}__in": companies_found(text)})
