"""The call that opens a Stream connection. Source: developerpedia, "learn/stream/protocol"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dingtalk.client.answers import read_secret
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.version import VERSION

OPEN_CONNECTION = Call("/v1.0/gateway/connections/open", family=Family.NEW)
# The event types are chosen in DingTalk's console. Robots and cards are of no suite of ours.
_SUBSCRIPTIONS = [{"type": "EVENT", "topic": "*"}]


@dataclass(frozen=True)
class StreamEndpoint:
    """Where a websocket is to be opened, and the ticket that opens one within 90 seconds."""

    url: str
    ticket: str = field(repr=False)


class StreamCalls(Caller):
    """Needs neither token nor suite ticket: the secret itself identifies us."""

    def open_stream_connection(self, *, suite_key: str, suite_secret: str) -> StreamEndpoint:
        """
        Ask for a place to receive a suite's events at; `authFailed` (401) for a wrong secret.

        Source: developerpedia, "learn/stream/protocol".
        """
        body = {
            "clientId": suite_key,
            "clientSecret": suite_secret,
            "subscriptions": _SUBSCRIPTIONS,
            "ua": f"isv-portal/{VERSION}",
        }
        return self.ask(Request(OPEN_CONNECTION, body=body, suite_key=suite_key), _read_endpoint)


def _read_endpoint(members: Mapping[str, Any]) -> StreamEndpoint:
    url = members.get("endpoint")
    if not isinstance(url, str) or not _is_websocket(url):
        raise UnusableAnswer("no usable endpoint in the answer")
    return StreamEndpoint(url=url, ticket=read_secret(members, "ticket"))


def _is_websocket(url: str) -> bool:
    """Whether it is an address that the ticket can be added to."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        return False
