"""
What of an event's content an app gets: all of it but the secrets.

A member whose name is that of a secret is left out, however deep it is, also in a text that holds JSON
(biz types 7 and 50 have such). The names are those that are masked in logs and in the admin.
"""

import json
from typing import Any

from dingtalk.foundation.sensitive_text import is_sensitive_name, mask_by_name
from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.json_guard import read_json

# JSON in a text in JSON in a text: what is deeper is masked as a text.
_DEEPEST_TEXT = 3


def without_secrets(data: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of an event's data without its secrets."""
    cleaned: dict[str, Any] = _cleaned(data, texts_above=0)
    return cleaned


def _cleaned(value: Any, *, texts_above: int) -> Any:
    if isinstance(value, dict):
        return {
            name: _cleaned(member, texts_above=texts_above)
            for name, member in value.items()
            if not is_sensitive_name(name)
        }
    if isinstance(value, list):
        return [_cleaned(item, texts_above=texts_above) for item in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return _cleaned_json_text(value, texts_above=texts_above)
    return value


def _cleaned_json_text(text: str, *, texts_above: int) -> str:
    """A text stays as it is, to the letter, unless there is a secret in it."""
    try:
        value = read_json(text) if texts_above < _DEEPEST_TEXT else None
    except MalformedEvent:
        value = None
    if value is None:
        return mask_by_name(text)
    cleaned = _cleaned(value, texts_above=texts_above + 1)
    return text if cleaned == value else json.dumps(cleaned, ensure_ascii=False)
