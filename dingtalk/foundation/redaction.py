"""
Secrets kept out of logs and of what is shown to people.

Two nets. By name: what a mapping has under `suite_secret`, or what stands after `access_token=` or
`"permanent_code":` in a text, is masked. By value: what was given to `register_secret` is masked wherever
it occurs. `RedactingFilter` goes on every log handler, `redact_event` right before structlog's renderer.
"""

import logging
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from dingtalk.foundation.plain_records import PlainRecord
from dingtalk.foundation.secret import MASK, Secret
from dingtalk.foundation.secret_registry import SecretRegistry
from dingtalk.foundation.sensitive_text import is_sensitive_name, mask_by_name

_DEEPEST = 12
# What logging itself puts on a record; the rest came by `extra`.
_OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_registry = SecretRegistry()


def register_secret(value: str | Secret[str]) -> None:
    """Mask this value wherever it occurs from now on, in this process; bounded, oldest out first."""
    _registry.register(value.reveal() if isinstance(value, Secret) else value)


def redact(value: Any) -> Any:
    """
    Return a copy of the value with its secrets masked: mappings, sequences, sets, texts and bytes.

    An object of another kind stays as it is, unless its repr shows a secret: then it becomes its masked repr.
    """
    return _redact(value, depth=0)


def redact_text(text: str) -> str:
    """Return the text with its secrets masked, by name and by value."""
    return mask_by_name(_registry.mask(text))


class RedactedError(Exception):
    """Stands in for an exception whose text or traceback showed a secret; its text is the masked one."""


class RedactingFilter(logging.Filter):
    """
    Mask secrets in the message, its arguments, the extra fields and the traceback; drop nothing.

    A plain record holds none, and is let through as it is.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record, PlainRecord):
            return True
        _redact_message(record)
        _redact_extra(record)
        _redact_exception(record)
        if record.stack_info:
            record.stack_info = redact_text(record.stack_info)
        return True


def redact_event(
    logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask secrets in a structlog event (a processor); renders a pending exception first."""
    event_dict = structlog.processors.format_exc_info(logger, method_name, event_dict)
    for key in list(event_dict):
        if not key.startswith("_"):
            event_dict[key] = _redacted_field(key, event_dict[key])
    return event_dict


def _redact(value: Any, *, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {
            _redact(key, depth=depth + 1): _redact_item(key, item, depth=depth) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        items = [_redact(item, depth=depth + 1) for item in value]
        return items if isinstance(value, list) else _rebuilt(type(value), items)
    return _redact_object(value)


def _redact_item(key: Any, item: Any, *, depth: int) -> Any:
    if isinstance(key, str) and is_sensitive_name(key):
        return item if item is None or isinstance(item, bool) or item in ("", b"") else MASK
    return _redact(item, depth=depth + 1)


def _rebuilt(kind: type, items: list[Any]) -> Any:
    # A named tuple takes its items one by one; a plain one does as well here.
    for plain in (tuple, frozenset, set):
        if issubclass(kind, plain):
            return plain(items)
    return items


def _redact_object(value: Any) -> Any:
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - a broken __repr__ must not lose the log line
        return f"<{type(value).__name__}>"
    masked = redact_text(shown)
    return value if masked == shown else masked


def _redact_message(record: logging.LogRecord) -> None:
    if isinstance(record.msg, Mapping):
        # structlog's own events come as a mapping.
        record.msg = redact(record.msg)
        record.args = redact(record.args) if record.args else record.args
        return
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):
        message = f"{record.msg} {record.args!r}"
    # A secret may come to stand after its name only when message and arguments are put together.
    record.msg = redact_text(message)
    record.args = ()


def _redact_extra(record: logging.LogRecord) -> None:
    for key, value in list(record.__dict__.items()):
        if key not in _OWN_ATTRIBUTES and not key.startswith("_"):
            record.__dict__[key] = _redacted_field(key, value)


def _redacted_field(key: str, value: Any) -> Any:
    if is_sensitive_name(key) and value is not None and not isinstance(value, bool):
        return MASK
    return redact(value)


def _redact_exception(record: logging.LogRecord) -> None:
    shown = record.exc_text or ""
    if record.exc_info and record.exc_info[0] is not None:
        shown = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    masked = redact_text(shown)
    if record.exc_info and masked != shown:
        # Formatters that render exc_info themselves get the masked text too.
        record.exc_info = (RedactedError, RedactedError(masked), None)
    record.exc_text = masked or None
