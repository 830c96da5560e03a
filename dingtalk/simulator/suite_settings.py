"""Registering a suite and changing what is set for it, as its developer's console does."""

from collections.abc import Callable
from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.crypto import aes_key_of
from dingtalk.simulator.mailroom import Template
from dingtalk.simulator.seed_values import SeedError, Values, items, text, whole
from dingtalk.simulator.world import PushMode, Suite, World

LONGEST_DEADLINE_MS = 60_000
_DEFAULT_TEMPLATES: list[Values] = [
    {"name": "考勤提醒", "approved": True},
    {"name": "审核中的模板", "approved": False},
]


def add_suite(world: World, values: Values) -> Suite:
    """Register a suite with a ticket; what is missing is invented."""
    suite = Suite(
        suite_id=text(values, "suite_id", lambda: str(invention.number(8))),
        suite_key=text(values, "suite_key", lambda: f"suite{invention.lower(15)}"),
        suite_secret=text(values, "suite_secret", lambda: invention.alphanumeric(64)),
        token=text(values, "token", lambda: invention.alphanumeric(16)),
        encoding_aes_key=_aes_key(text(values, "encoding_aes_key", lambda: invention.alphanumeric(43))),
        name=text(values, "name", lambda: "示例应用"),
        app_id=whole(values, "app_id", lambda: invention.number(5)),
        isv_corp_id=text(values, "isv_corp_id", invention.corp_id),
        sso_secret=text(values, "sso_secret", lambda: invention.alphanumeric(64)),
        templates=_templates(values),
    )
    if suite.suite_key in world.suites:
        raise SeedError(f"suite {suite.suite_key} exists already")
    change_suite(suite, {name: values[name] for name in _CALLBACK_SETTINGS if name in values})
    world.suites[suite.suite_key] = suite
    world.new_ticket(suite)
    return suite


def change_suite(suite: Suite, values: Values) -> None:
    """Change settings or credentials, all or nothing; SeedError for what a suite has not or cannot have."""
    readers = {**_CREDENTIALS, **_CALLBACK_SETTINGS}
    changed = {}
    for name, value in values.items():
        if name not in readers:
            raise SeedError(f"{name} cannot be set")
        changed[name] = readers[name](value)
    for name, value in changed.items():
        setattr(suite, name, value)


def _templates(values: Values) -> dict[str, Template]:
    """Its message templates; without any named there is one that is approved and one that is not."""
    templates = [
        Template(
            template_id=text(each, "template_id", lambda: invention.lower(32)),
            name=text(each, "name", lambda: "示例模板"),
            is_approved=bool(each.get("approved", True)),
        )
        for each in items(values, "templates", dict) or _DEFAULT_TEMPLATES
    ]
    return {template.template_id: template for template in templates}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SeedError("a suite's setting is a text")
    return value


def _url(value: Any) -> str:
    if value != "" and not (isinstance(value, str) and value.startswith(("http://", "https://"))):
        raise SeedError("callback_url is an address with http:// or https://")
    return str(value)


def _aes_key(value: Any) -> str:
    try:
        aes_key_of(_text(value))
    except ValueError as error:
        raise SeedError(str(error)) from error
    return str(value)


def _push_mode(value: Any) -> PushMode:
    try:
        return PushMode(value)
    except ValueError as error:
        raise SeedError(f"push_mode is one of: {', '.join(PushMode)}") from error


def _signature_parameter(value: Any) -> str:
    if value not in ("signature", "msg_signature"):
        raise SeedError("signature_parameter is signature or msg_signature")
    return str(value)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SeedError("wants_random, template_only and is_custom are true or false")
    return value


def _deadline(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_DEADLINE_MS:
        raise SeedError(f"deadline_ms is a number from 1 to {LONGEST_DEADLINE_MS}, or null")
    return value


_CREDENTIALS: dict[str, Callable[[Any], Any]] = {
    "suite_secret": _text,
    "sso_secret": _text,
    "token": _text,
    "encoding_aes_key": _aes_key,
    "name": _text,
}
_CALLBACK_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "push_mode": _push_mode,
    "callback_url": _url,
    "signature_parameter": _signature_parameter,
    "wants_random": _switch,
    "template_only": _switch,
    "is_custom": _switch,
    "deadline_ms": _deadline,
}
