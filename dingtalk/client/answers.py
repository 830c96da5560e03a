"""
What we tell DingTalk of a suite, and what DingTalk answers, read into types.

Readers take the members of an answer that said yes and raise UnusableAnswer when what was asked for is not
in it. Numbers, truth values and lists of one may come as text. Sources: the pages named beside each call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import read_bool, read_identifier, read_int
from dingtalk.protocol.grant import AuthScope, Grant, read_grant

DOCUMENTED_LIFETIME_SECONDS = 7_200
SHORTEST_LIFETIME_SECONDS = 60
LONGEST_LIFETIME_SECONDS = 12 * DOCUMENTED_LIFETIME_SECONDS
_SECRET_LENGTH = 2_048
_ID_LENGTH = 64
_NAME_LENGTH = 200


@dataclass(frozen=True)
class SuiteIdentity:
    """What a call needs to identify us by suite: key, secret, and a suite ticket."""

    suite_key: str
    suite_secret: str = field(repr=False)
    suite_ticket: str = field(repr=False)


@dataclass(frozen=True)
class IssuedToken:
    """A token just issued, good for so many seconds."""

    token: str = field(repr=False)
    expires_in_seconds: int


@dataclass(frozen=True)
class PermanentCode:
    """What a temporary code was exchanged for."""

    corp_id: str
    permanent_code: str = field(repr=False)
    corp_name: str


@dataclass(frozen=True)
class UnactiveCorps:
    """Companies that authorised but are not activated; `has_more`: the list was cut."""

    app_id: int | None
    corp_ids: list[str]
    has_more: bool


def token_reader(token_name: str, lifetime_name: str) -> Callable[[Mapping[str, Any]], IssuedToken]:
    """Return the reader of an answer that has a token and its lifetime under these names."""

    def read_token(members: Mapping[str, Any]) -> IssuedToken:
        lifetime_seconds = read_lifetime(members.get(lifetime_name))
        return IssuedToken(read_secret(members, token_name), lifetime_seconds)

    return read_token


def read_permanent_code(members: Mapping[str, Any]) -> PermanentCode:
    """Read what a temporary code was exchanged for."""
    company = read_object(members, "auth_corp_info")
    corp_id = read_identifier(company.get("corpid"), _ID_LENGTH)
    if not corp_id:
        raise UnusableAnswer("no corp id in the answer")
    name = company.get("corp_name")
    return PermanentCode(
        corp_id=corp_id,
        permanent_code=read_secret(members, "permanent_code"),
        corp_name=name[:_NAME_LENGTH] if isinstance(name, str) else "",
    )


def read_auth_info(members: Mapping[str, Any], *, corp_id: str) -> Grant:
    """Read what this company has granted; raises MalformedEvent when the answer is about another one."""
    read_object(members, "auth_corp_info")
    return read_grant(members, corp_id=corp_id)


def read_unactive_corps(members: Mapping[str, Any]) -> UnactiveCorps:
    """Read a list of companies. One that is not clearly said to be whole counts as cut."""
    has_more = members.get("has_more")
    return UnactiveCorps(
        app_id=read_int(members.get("app_id")),
        corp_ids=read_ids(members, "corp_list"),
        has_more=has_more is not None and read_bool(has_more) is not False,
    )


def read_auth_scopes(members: Mapping[str, Any]) -> AuthScope:
    """Read whom the app may see; an answer that does not say it is not the same as nobody."""
    granted = read_object(members, "auth_org_scopes")
    return AuthScope(
        user_ids=read_ids(granted, "authed_user"),
        dept_ids=read_numbers(granted, "authed_dept"),
        user_fields=read_ids(members, "auth_user_field"),
    )


def read_nothing(_members: Mapping[str, Any]) -> None:
    """Read an answer that only says yes."""


def read_object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = members.get(name)
    if not isinstance(value, Mapping):
        raise UnusableAnswer(f"no {name} in the answer")
    return value


def read_items(members: Mapping[str, Any], name: str) -> list[Any]:
    """A list; a single item may stand for itself, and an empty list may be left out."""
    value = members.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        return [value]
    raise UnusableAnswer(f"{name} is not a list")


def read_objects(members: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects; a single one may stand for itself, and an empty list may be left out."""
    value = members.get(name)
    items = [value] if isinstance(value, Mapping) else read_items(members, name)
    if not all(isinstance(item, Mapping) for item in items):
        raise UnusableAnswer(f"{name} is not a list of objects")
    return items


def read_numbers(members: Mapping[str, Any], name: str) -> list[int]:
    """A list of whole numbers, which may come as text."""
    numbers = [read_int(item) for item in read_items(members, name)]
    return [number for number in numbers if number is not None]


def read_ids(members: Mapping[str, Any], name: str) -> list[str]:
    identifiers = (read_identifier(item, _ID_LENGTH) for item in read_items(members, name))
    return [identifier for identifier in identifiers if identifier]


def read_secret(members: Mapping[str, Any], name: str) -> str:
    """A token or code: it goes into URLs and headers, so only what is one printable ASCII word."""
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _SECRET_LENGTH:
        raise UnusableAnswer(f"no {name} in the answer")
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise UnusableAnswer(f"an odd {name} in the answer")
    return value


def read_lifetime(value: object) -> int:
    """
    The lifetime of a token in seconds, as given if that is between a minute and a day.

    Less counts as a minute, so that nobody renews without a pause. What is missing, no number, or more than
    a day (milliseconds, say) counts as the documented two hours.
    """
    seconds = read_int(value)
    if seconds is None or seconds > LONGEST_LIFETIME_SECONDS:
        return DOCUMENTED_LIFETIME_SECONDS
    return max(seconds, SHORTEST_LIFETIME_SECONDS)
