"""
Reading what a client sent, as liberally as the old family and as strictly as the new one.

The official Java SDK sends every value as a string, form clients send lists as JSON text, and `curl -d`
labels JSON as a form: the old family takes all of it.
"""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams

FORM = "application/x-www-form-urlencoded"


class UnreadableBody(Exception):
    """The body cannot be read as what this family takes."""


class Parameters:
    """Named values of one call, coerced when they are asked for. An empty text counts as missing."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """The value as text; empty when it is missing or no scalar."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else ""

    def whole(self, name: str) -> int | None:
        """The value as a whole number, also from text; None when it is missing or not one."""
        text = self.text(name).strip()
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None

    def texts(self, name: str) -> list[str]:
        """The value as a list: a list, JSON text of one, or text with commas."""
        value = self.values.get(name)
        if isinstance(value, str):
            value = _listed(value)
        return [str(item) for item in value] if isinstance(value, list) else []

    def members(self, name: str) -> dict[str, Any] | None:
        """The value as an object: an object, or JSON text of one; None when it is neither."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = _json_object(value.encode("utf-8", "replace"))
            except UnreadableBody:
                return None
        return value if isinstance(value, dict) else None


def old_family_parameters(query: QueryParams, body: bytes, *, content_type: str) -> Parameters:
    """Query and body of an oapi call in one; the body wins. Raises UnreadableBody."""
    return Parameters({**query, **_old_family_body(body, content_type=content_type)})


def new_family_body(body: bytes, *, content_type: str) -> Parameters:
    """The JSON body of a v1.0 call; a form, an empty body or anything but an object raises UnreadableBody."""
    if content_type.lower().startswith((FORM, "multipart/")):
        raise UnreadableBody
    return Parameters(_json_object(body))


def _old_family_body(body: bytes, *, content_type: str) -> dict[str, Any]:
    text = body.strip()
    if not text:
        return {}
    if text.startswith(b"{") or "json" in content_type.lower():
        return _json_object(text)
    try:
        return dict(parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError as error:
        raise UnreadableBody from error


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBody from error
    if not isinstance(value, dict):
        raise UnreadableBody
    return value


def _listed(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except ValueError:
            return []
        return value if isinstance(value, list) else []
    return [item.strip() for item in text.split(",") if item.strip()]
