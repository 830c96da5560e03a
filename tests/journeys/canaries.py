"""Secrets that a story used, and the search for them in every spelling that could give them away."""

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

# Shorter ones occur by chance.
SHORTEST = 12


class Canaries:
    """Named secrets; each is looked for raw and in its usual encodings."""

    def __init__(self) -> None:
        self._spellings: dict[bytes, frozenset[bytes]] = {}
        self._names: dict[bytes, str] = {}

    def add(self, name: str, secret: str | bytes) -> None:
        """Look for this secret from now on; `name` says in a failure what kind it is of."""
        raw = secret.encode() if isinstance(secret, str) else secret
        if raw not in self._names:
            assert len(raw) >= SHORTEST, f"{name} is too short to be looked for"
            self._names[raw] = name
            self._spellings[raw] = frozenset(spellings(raw))

    @property
    def names(self) -> set[str]:
        """The kinds of secrets that there are."""
        return set(self._names.values())

    def found_in(self, places: Mapping[str, bytes], *, but_not: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return (place, kind of secret) for each that is found; `but_not`: kinds that may be there."""
        passed_over = frozenset(but_not)
        return sorted(
            {
                (place, name)
                for place, content in places.items()
                for raw, name in self._names.items()
                if name not in passed_over and any(each in content for each in self._spellings[raw])
            }
        )


def spellings(raw: bytes) -> set[bytes]:
    """Return the bytes, and how they look in hex, base64, URLs, HTML and JSON."""
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), *_within_base64(raw)}
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return found
    written = {quote(text), quote(text, safe=""), quote_plus(text), html.escape(text), json.dumps(text)[1:-1]}
    return found | {each.encode() for each in written}


def _within_base64(raw: bytes) -> set[bytes]:
    """What of it stays the same in the base64 of something longer, wherever it begins there."""
    found = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        own = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        found |= {own, own.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def as_read(page: bytes) -> bytes:
    """Return a page without what may stand inside a word and is not seen."""
    return re.sub(rb"<wbr ?/?>|&shy;|\xc2\xad|\xe2\x80\x8b|<[^>]*>", b"", page)
