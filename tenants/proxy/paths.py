"""
Which paths of DingTalk's API a key may call: patterns, and what no pattern can allow.

A pattern is a path in which `*` stands for one segment and a last `**` for one or more. Compared is what is
sent: segments of plain characters, not encoded in any way, none of them empty or only dots.
"""

import re
from collections.abc import Iterable, Sequence

MAX_PATTERNS = 50
MAX_PATTERN_LENGTH = 200
MAX_PATH_LENGTH = 512

ONE, ANY = "*", "**"
_SEGMENT = re.compile(r"[A-Za-z0-9_.~@:=+\-]+", re.ASCII)
_VERSION = re.compile(r"v[0-9]+(\.[0-9]+)*", re.ASCII | re.IGNORECASE)
# A server may take `/gettoken.json` for `/gettoken`: what counts is the word that a segment begins with.
_WORD = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
# The router takes any call, whatever the path: its name is a parameter there.
_GUARDED_ROOTS = frozenset({"gettoken", "service", "sso", "sns", "oauth2", "get_jsapi_ticket", "router"})
_GUARDED_WORD = re.compile(r".*(token|secret)s?|.*jsapi_?tickets?", re.ASCII)
# In new paths ids stand among words; words are in lowerCamelCase and have no digits.
_PLAIN_WORD = re.compile(r"[a-z]+(?:[A-Z][a-z]+)*", re.ASCII)
_LONGEST_WORD = 40


class UnusablePattern(ValueError):
    """No pattern, or one of what is never passed on (`is_guarded`); the text is the pattern."""

    def __init__(self, pattern: str, *, is_guarded: bool = False) -> None:
        super().__init__(pattern)
        self.pattern = pattern
        self.is_guarded = is_guarded


def read_pattern(text: str) -> str:
    """Return a pattern that can be used; raises UnusablePattern."""
    if not text.startswith("/") or len(text) > MAX_PATTERN_LENGTH:
        raise UnusablePattern(text)
    *inner, last = text.split("/")[1:]
    if not all(_is_plain(segment) or segment == ONE for segment in inner):
        raise UnusablePattern(text)
    if not (_is_plain(last) or last in (ONE, ANY)):
        raise UnusablePattern(text)
    if is_guarded([*inner, last]):
        raise UnusablePattern(text, is_guarded=True)
    return text


def read_path(path: str) -> list[str] | None:
    """Return the segments of a path that may be sent, or None. It was decoded once, and begins with `/`."""
    if not path.startswith("/") or len(path) > MAX_PATH_LENGTH:
        return None
    segments = path.split("/")[1:]
    return segments if all(map(_is_plain, segments)) else None


def find_allowing(patterns: Iterable[str], segments: Sequence[str]) -> str | None:
    """Return the pattern that allows this path, or None; no pattern allows what is guarded."""
    if is_guarded(segments):
        return None
    return next((pattern for pattern in patterns if _matches(pattern, segments)), None)


def is_guarded(segments: Sequence[str]) -> bool:
    """Tell whether a path is about tokens, secrets or logins, which are the portal's own business."""
    words = [_leading_word(segment) for segment in segments]
    below = words[1:] if _VERSION.fullmatch(segments[0]) else words
    return bool(below and below[0] in _GUARDED_ROOTS) or any(map(_GUARDED_WORD.fullmatch, words))


def is_new_family(segments: Sequence[str]) -> bool:
    """Tell whether a path is one of the new family: it begins with a version."""
    return _VERSION.fullmatch(segments[0]) is not None


def named_ids(segments: Sequence[str]) -> tuple[str, dict[str, str]]:
    """
    Return a new path with names in place of what looks like an id, and the values of the names.

    For logs and limits, which are kept by endpoint. Old paths have no ids in them.
    """
    values: dict[str, str] = {}
    template = [segments[0]]
    for segment in segments[1:]:
        if _PLAIN_WORD.fullmatch(segment) and len(segment) <= _LONGEST_WORD:
            template.append(segment)
        else:
            name = f"id{len(values) + 1}"
            values[name] = segment
            template.append(f"{{{name}}}")
    return "/" + "/".join(template), values


def _is_plain(segment: str) -> bool:
    return _SEGMENT.fullmatch(segment) is not None and segment.strip(".") != ""


def _leading_word(segment: str) -> str:
    found = _WORD.match(segment)
    return found[0].casefold() if found else ""


def _matches(pattern: str, segments: Sequence[str]) -> bool:
    wanted = pattern.split("/")[1:]
    if wanted[-1] == ANY:
        wanted = wanted[:-1]
        if len(segments) <= len(wanted):
            return False
    elif len(segments) != len(wanted):
        return False
    return all(one in (ONE, other) for one, other in zip(wanted, segments, strict=False))
