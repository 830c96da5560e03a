"""Values that mean something for a while only, bounded in number."""

from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")

# Companies and paths come and go, and anybody may name new ones.
MAX_NAMES = 20_000


class Expiring(Generic[ValueT]):
    """Values by name, each until a time; not locked. `now` and `until` are seconds of one clock."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, ValueT]] = {}

    def get(self, name: str, *, now: float) -> ValueT | None:
        """Return the value of a name, or None when there is none any more."""
        entry = self._entries.get(name)
        return entry[1] if entry is not None and entry[0] > now else None

    def seconds_left(self, name: str, *, now: float) -> float:
        """Return for how long the value of a name still counts: 0 when there is none."""
        entry = self._entries.get(name)
        return max(0.0, entry[0] - now) if entry is not None else 0.0

    def put(self, name: str, value: ValueT, *, until: float, now: float) -> None:
        """Keep a value; when there are too many, what has expired goes, and then the older half."""
        if name not in self._entries and len(self._entries) >= MAX_NAMES:
            self._make_room(now)
        self._entries[name] = (until, value)

    def drop(self, name: str) -> None:
        """Forget a name."""
        self._entries.pop(name, None)

    def names(self, *, now: float) -> tuple[str, ...]:
        """Return the names whose values still count."""
        return tuple(name for name, (until, _value) in self._entries.items() if until > now)

    def _make_room(self, now: float) -> None:
        self._entries = {name: entry for name, entry in self._entries.items() if entry[0] > now}
        if len(self._entries) > MAX_NAMES // 2:
            for name in list(self._entries)[: MAX_NAMES // 2]:
                del self._entries[name]
