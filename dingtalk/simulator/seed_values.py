"""Single values of a seed or of the control interface: of the right type, or a SeedError that names them."""

from collections.abc import Callable, Mapping
from typing import Any

Values = Mapping[str, Any]


class SeedError(ValueError):
    """A seed says something that cannot be; the text says what."""


def text(values: Values, name: str, invent: Callable[[], str]) -> str:
    """A text or number as text; invented when it is missing or empty."""
    value = values.get(name)
    if value is None or value == "":
        return invent()
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SeedError(f"{name} is a text")
    return str(value)


def whole(values: Values, name: str, invent: Callable[[], int]) -> int:
    """A whole number, also as text; invented when it is missing."""
    value = values.get(name)
    if value is None:
        return invent()
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SeedError(f"{name} is a whole number")
    return value


def items(values: Values, name: str, kind: type) -> list[Any]:
    """A list whose items are of one type; empty when it is missing."""
    value = values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise SeedError(f"{name} is a list of {'objects' if kind is dict else kind.__name__}")
    return value
