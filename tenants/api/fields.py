"""Fields that the endpoints share. Those that read are strict: what is guessed at may be meant otherwise."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

# So many unknown members are named in an answer.
_MAX_NAMED = 10


class UtcDateTimeField(serializers.DateTimeField):
    """ISO 8601 in UTC, whatever the time zone of the portal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class ChoiceOrNull(serializers.ChoiceField):
    """One of some words; null where the row has an empty text."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) or None


class BoundedListField(serializers.ListField):
    """A list that is looked into only if it is not too long: each wrong item would be in the answer."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > self.most:
            self.fail("max_length", max_length=self.most)
        return list(super().to_internal_value(data))


class TextField(serializers.CharField):
    """A text as it is: a number is none, and nothing is trimmed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class SwitchField(serializers.BooleanField):
    """True or false, and nothing that could be meant so."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class NumberField(serializers.IntegerField):
    """A whole number of 64 bits; a text is none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class WordField(serializers.RegexField):
    """One word of printable ASCII, as codes, states and tokens are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[!-~]+\Z", trim_whitespace=False, **kwargs)


class KnownMembersSerializer(serializers.Serializer[Any]):
    """An object with members that it knows: passed over, a misspelt one would change the meaning."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                text = _("There is no such member here, only: %(expected)s.") % {
                    "expected": ", ".join(self.fields)
                }
                raise ValidationError(
                    {name[:100]: ErrorDetail(text, code="unknown_member") for name in unknown[:_MAX_NAMED]}
                )
        return super().to_internal_value(data)
