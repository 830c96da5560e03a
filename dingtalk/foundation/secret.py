"""A value that must not be shown by accident."""

from hmac import compare_digest
from typing import Generic, NoReturn, Self, TypeVar

MASK = "***"

ValueT = TypeVar("ValueT", str, bytes)


class Secret(Generic[ValueT]):
    """
    Hold a secret so that printing, formatting, logging or pickling the holder does not show it.

    `reveal()` is the only way to the value. Two holders are compared in constant time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: ValueT) -> None:
        self._value: ValueT = value

    def reveal(self) -> ValueT:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(_as_bytes(self._value), _as_bytes(other._value))

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled: pickles go to caches, queues and files.")


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
