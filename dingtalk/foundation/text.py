"""Text from elsewhere, made safe to look at."""

import unicodedata

# Control, format (bidi overrides, zero width), surrogate, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """
    Return the text with each character that has no shape of its own written as an escape.

    A company's name can hold line breaks that forge a log line, or U+202E, which turns around what
    stands after it; this shows `\\u000a` and `\\u202e` in their places.
    """
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
