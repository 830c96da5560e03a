"""
JSON from outside, read without surprises.

What the standard reader does with deep nesting, NaN, overlong numbers, repeated names or half surrogates is
an exception of some other kind, or a value that fails later in a database. Here all of it is one error.
"""

import json
import math
import re
from typing import Any, NoReturn

from dingtalk.protocol.errors import MalformedEvent, ProtocolError

MAX_JSON_BYTES = 1_048_576
MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 64

# Possessive, so that the time is linear also in what has no closing quote.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


class _Refused(ValueError):
    """A value that is legal for Python's reader, but not for us."""


def read_json(
    source: bytes | str,
    *,
    error: type[ProtocolError] = MalformedEvent,
    max_bytes: int = MAX_JSON_BYTES,
    max_depth: int = MAX_DEPTH,
) -> Any:
    """
    Return the plain values of a JSON text that is neither larger nor deeper than the bounds.

    Raises `error` for anything else: not UTF-8, not JSON, NaN or Infinity, numbers of more than 64
    characters, a name twice in one object. Half surrogate pairs become U+FFFD.
    """
    if len(source) > max_bytes:
        raise error("the JSON is too large")
    try:
        text = source.decode() if isinstance(source, bytes) else source
        if not _is_shallow(text, max_depth):
            raise error("the JSON is nested too deeply")
        value = json.loads(
            text,
            parse_int=_read_int,
            parse_float=_read_float,
            parse_constant=_refuse_constant,
            object_pairs_hook=_read_object,
        )
    except _Refused as refused:
        raise error(str(refused)) from None
    except ValueError:
        # Covers UnicodeDecodeError and JSONDecodeError. Their texts quote the input, which may be secret.
        raise error("the text is not JSON") from None
    return _without_lone_surrogates(value) if _SURROGATE_ESCAPE.search(text) else value


def read_json_object(
    source: bytes | str,
    *,
    error: type[ProtocolError] = MalformedEvent,
    max_bytes: int = MAX_JSON_BYTES,
    max_depth: int = MAX_DEPTH,
) -> dict[str, Any]:
    """Return the members of a JSON object; raises `error` as `read_json`, and for anything but an object."""
    value = read_json(source, error=error, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(value, dict):
        raise error("the JSON is not an object")
    return value


def canonical_json(value: Any) -> bytes:
    """Return the one UTF-8 text of a value that `read_json` gave: names sorted, no spaces, no escapes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _is_shallow(text: str, max_depth: int) -> bool:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        bracket = token[0]
        if bracket in "[{":
            depth += 1
            if depth > max_depth:
                return False
        elif bracket in "]}":
            depth -= 1
    return True


def _read_int(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise _Refused("a number is too long")
    return int(digits)


def _read_float(digits: str) -> float:
    number = float(digits) if len(digits) <= MAX_NUMBER_LENGTH else math.inf
    if not math.isfinite(number):
        raise _Refused("a number is too long or too large")
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise _Refused("NaN and Infinity are not JSON")


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("a name occurs twice in one object")
    return members


def _without_lone_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {
            _without_lone_surrogates(name): _without_lone_surrogates(item) for name, item in value.items()
        }
    return value
