"""Secret values that are known, to be masked wherever they occur."""

from base64 import b64encode
from collections import OrderedDict
from threading import Lock
from urllib.parse import quote

from dingtalk.foundation.secret import MASK

# Shorter ones occur by chance in ordinary text, which would then be unreadable.
SHORTEST = 8


class SecretRegistry:
    """
    The last `limit` values that were registered, each with its usual encodings.

    Masking looks at each position of the text once, however many values there are.
    """

    def __init__(self, *, limit: int = 4096) -> None:
        self._limit = limit
        self._lock = Lock()
        self._spellings: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        # By their first characters, the longest first: one secret can be the beginning of another.
        # Tuples are replaced, not changed: mask() reads without the lock.
        self._by_start: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._spellings)

    def register(self, value: str) -> None:
        """Mask the value from now on; one of fewer than 8 characters is left out."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            if value in self._spellings:
                self._spellings.move_to_end(value)
                return
            self._spellings[value] = _spellings(value)
            for spelling in self._spellings[value]:
                start = spelling[:SHORTEST]
                others = [*self._by_start.get(start, ()), spelling]
                self._by_start[start] = tuple(sorted(others, key=len, reverse=True))
            if len(self._spellings) > self._limit:
                self._forget(self._spellings.popitem(last=False)[1])

    def mask(self, text: str) -> str:
        """Return the text with each registered value masked."""
        by_start = self._by_start
        parts: list[str] = []
        copied = 0
        # Plain and in one place: this runs for every character of every log line.
        for position in range(len(text) - SHORTEST + 1) if by_start else ():
            start = text[position : position + SHORTEST]
            if start in by_start and position >= copied:
                for spelling in by_start.get(start, ()):
                    if text.startswith(spelling, position):
                        parts += text[copied:position], MASK
                        copied = position + len(spelling)
                        break
        return "".join([*parts, text[copied:]]) if parts else text

    def _forget(self, spellings: tuple[str, ...]) -> None:
        for spelling in spellings:
            start = spelling[:SHORTEST]
            rest = list(self._by_start[start])
            # One only: another value may have the same spelling.
            rest.remove(spelling)
            if rest:
                self._by_start[start] = tuple(rest)
            else:
                del self._by_start[start]


def _spellings(value: str) -> tuple[str, ...]:
    raw = value.encode()
    # Whole groups of three bytes: these characters stay when more bytes follow.
    in_base64 = b64encode(raw[: len(raw) // 3 * 3]).decode()
    variants = {value, quote(value, safe=""), quote(value), raw.hex(), in_base64, repr(value)[1:-1]}
    return tuple(variant for variant in variants if len(variant) >= SHORTEST)
