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
        if not self._by_start or len(text) < SHORTEST:
            return text
        parts: list[str] = []
        copied = position = 0
        while position <= len(text) - SHORTEST:
            found = self._at(text, position)
            if found:
                parts += text[copied:position], MASK
                copied = position = position + len(found)
            else:
                position += 1
        return "".join([*parts, text[copied:]]) if parts else text

    def _at(self, text: str, position: int) -> str:
        candidates = self._by_start.get(text[position : position + SHORTEST], ())
        return next((spelling for spelling in candidates if text.startswith(spelling, position)), "")

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
