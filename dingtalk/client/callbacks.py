"""
Calls about callbacks that are registered for one company, and events whose push failed.

Each is made with the company's token. For third-party apps the callback settings of the console replace the
first four. Source: register-callback-events, obtain-the-event-list-of-failed-push-messages
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dingtalk.client.answers import read_nothing
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_bool

REGISTER = Call("/call_back/register_call_back")
UPDATE = Call("/call_back/update_call_back")
GET = Call("/call_back/get_call_back", method="GET")
DELETE = Call("/call_back/delete_call_back", method="GET")
# Making it again drops what the first answer held.
GET_FAILED = Call("/call_back/get_call_back_failed_result", method="GET", repeatable=False)

_TAG_LENGTH = 100
_SECRET_LENGTH = 200
_URL_LENGTH = 2_000


@dataclass(frozen=True)
class CallbackSettings:
    """What is registered for a company: the events by their tags, and how and where they are pushed."""

    tags: list[str]
    url: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)


@dataclass(frozen=True)
class FailedPushes:
    """One page of events whose push was given up, as DingTalk lists them; at most 200."""

    entries: list[Any] = field(repr=False)
    has_more: bool


class CallbackCalls(Caller):
    """A company's callbacks, and what could not be pushed."""

    def register_call_back(self, wanted: CallbackSettings, *, corp_access_token: str) -> None:
        """
        Register callbacks; DingTalk sends a `check_url` to the URL before it answers.

        Refusals: 71006 registered already, 71008 a tag is unknown, 71009 our reply was no `success`, 71010
        parameter, 71011 no URL, 71012 URL not reachable, 71013 host not allowed.
        Source: register-callback-events.
        """
        self._put(REGISTER, wanted, corp_access_token)

    def update_call_back(self, wanted: CallbackSettings, *, corp_access_token: str) -> None:
        """
        Replace what is registered; DingTalk sends a `check_url` first.

        Refusals: 71007 nothing is registered, and those of `register_call_back`.
        Source: update-event-interface.
        """
        self._put(UPDATE, wanted, corp_access_token)

    def get_call_back(self, *, corp_access_token: str) -> CallbackSettings:
        """Get what is registered. Refusals: 71007 nothing is. Source: query-subscribed-events."""
        request = Request(GET, query={"access_token": corp_access_token})
        return self.ask(request, _read_settings)

    def delete_call_back(self, *, corp_access_token: str) -> None:
        """Remove what is registered. Refusals: 71007. Source: delete-an-event-callback-interface."""
        self.ask(Request(DELETE, query={"access_token": corp_access_token}), read_nothing)

    def get_call_back_failed_result(self, *, corp_access_token: str) -> FailedPushes:
        """
        Get the next events whose push was given up, at most 200.

        Each call drops what the one before it returned: store the page before asking again. When its
        answer is lost on the way to us, so is the page; asking again would not bring it back.
        Source: obtain-the-event-list-of-failed-push-messages.
        """
        request = Request(GET_FAILED, query={"access_token": corp_access_token})
        return self.ask(request, _read_failed)

    def _put(self, call: Call, wanted: CallbackSettings, corp_access_token: str) -> None:
        body: dict[str, Any] = {
            "call_back_tag": list(wanted.tags),
            "token": wanted.token,
            "aes_key": wanted.aes_key,
            "url": wanted.url,
        }
        self.ask(Request(call, query={"access_token": corp_access_token}, body=body), read_nothing)


def _read_settings(members: Mapping[str, Any]) -> CallbackSettings:
    return CallbackSettings(
        tags=[clean_text(tag, _TAG_LENGTH) for tag in _list_of(members, "call_back_tag")],
        url=clean_text(members.get("url"), _URL_LENGTH),
        token=clean_text(members.get("token"), _SECRET_LENGTH),
        aes_key=clean_text(members.get("aes_key"), _SECRET_LENGTH),
    )


def _read_failed(members: Mapping[str, Any]) -> FailedPushes:
    return FailedPushes(
        entries=_list_of(members, "failed_list"),
        has_more=bool(read_bool(members.get("has_more"))),
    )


def _list_of(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnusableAnswer(f"{name} is not a list")
    return value
