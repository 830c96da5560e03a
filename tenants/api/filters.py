"""What lists can be filtered by, and the refusal of every other query parameter."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from tenants.identifiers import MAX_CORP_ID_LENGTH, MAX_SUITE_KEY_LENGTH
from tenants.models import TenantState


class TenantFilter(filters.FilterSet):
    """Exact matches; several narrow each other down."""

    state = filters.ChoiceFilter(choices=TenantState.choices)
    suite_key = filters.CharFilter(field_name="suite__suite_key", max_length=MAX_SUITE_KEY_LENGTH)
    corp_id = filters.CharFilter(field_name="corp__corp_id", max_length=MAX_CORP_ID_LENGTH)


def refuse_odd_parameters(request: Request, *, known: Iterable[str]) -> None:
    """
    Raise ValidationError for a parameter that is unknown, empty, or given twice.

    Passed over, a misspelt filter would answer with all that it was to leave out.
    """
    problems: dict[str, list[ErrorDetail]] = {}
    for name, values in request.query_params.lists():
        if name not in known:
            problems[name[:100]] = [
                ErrorDetail(_("There is no such parameter here."), code="unknown_parameter")
            ]
        elif len(values) > 1:
            problems[name] = [ErrorDetail(_("This parameter is given more than once."), code="repeated")]
        elif not values[0].strip():
            problems[name] = [ErrorDetail(_("This parameter is empty."), code="blank")]
    if problems:
        raise ValidationError(problems)
