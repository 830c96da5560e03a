"""What lists can be filtered by, and the refusal of every other query parameter."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as FormValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from tenants.company_search import name_contains
from tenants.identifiers import MAX_CORP_ID_LENGTH, MAX_SUITE_KEY_LENGTH
from tenants.models import Tenant, TenantState, WaitingFor

MAX_NAME_LENGTH = 200


class MomentField(IsoDateTimeField):
    """A time in ISO 8601 that exists in UTC too: the last hours of the year 9999 in New York do not."""

    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise FormValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):
    """Takes such a time."""

    field_class = MomentField


class TenantFilter(filters.FilterSet):
    """Exact matches, a part of a name, and a time; several narrow each other down."""

    state = filters.ChoiceFilter(choices=TenantState.choices)
    suite_key = filters.CharFilter(field_name="suite__suite_key", max_length=MAX_SUITE_KEY_LENGTH)
    corp_id = filters.CharFilter(field_name="corp__corp_id", max_length=MAX_CORP_ID_LENGTH)
    waiting_for = filters.ChoiceFilter(choices=[choice for choice in WaitingFor.choices if choice[0]])
    name = filters.CharFilter(
        field_name="corp__name",
        method="filter_name",
        max_length=MAX_NAME_LENGTH,
        help_text="A part of the company's name, in any letter case.",
    )
    updated_since = MomentFilter(
        field_name="updated_at",
        lookup_expr="gte",
        help_text="Rows that changed at this time or later, ISO 8601 with a time zone.",
    )

    def filter_name(self, tenants: QuerySet[Tenant], field: str, text: str) -> QuerySet[Tenant]:
        """Keep the tenants whose company has the text in its name."""
        return tenants.filter(name_contains(field, text))


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
