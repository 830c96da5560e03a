"""
What a call to DingTalk is, and one such call with what is sent.

The calls themselves stand beside the methods that make them. Source: server-api-calling-guide
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote

# Whatever else we send is a secret: an answer that repeats it is masked.
_PUBLIC_NAMES = frozenset(
    {
        "accessKey",
        "timestamp",
        "suite_key",
        "suiteKey",
        "auth_corpid",
        "authCorpId",
        "corpid_list",
        "app_id",
        "corpid",
        "clientId",
        "grantType",
        "client_id",
        "grant_type",
        "appkey",
        "appKey",
        "agentid",
    }
)
_SHORTEST_SECRET = 4
_MASK = "***"


class Family(Enum):
    """The two generations of the server API: each has its own host, and its own way to say no."""

    OLD = "oapi.dingtalk.com"
    NEW = "api.dingtalk.com"


@dataclass(frozen=True)
class Call:
    """
    One call of the server API.

    `repeatable`: making it twice does no harm. `spends_code`: it takes a one-time code.
    """

    endpoint: str
    family: Family = Family.OLD
    method: str = "POST"
    repeatable: bool = True
    spends_code: bool = False


@dataclass(frozen=True)
class Request:
    """
    One call with what is sent: the query not yet encoded, the body as JSON.

    `path` has the values of the names in braces that the endpoint has, not yet encoded. `token` goes into the
    header of a new call; old calls have theirs in the query. `suite_key`, `corp_id`: whom it is about, for
    the log; empty when only a token tells.
    """

    call: Call
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    suite_key: str = ""
    corp_id: str = ""

    def without_secrets(self, text: str) -> str:
        """Return a text of the answer with the secrets that we sent masked, under whatever name."""
        sent = [*self.query.items(), *(self.body or {}).items(), ("token", self.token)]
        for name, value in sent:
            if name in _PUBLIC_NAMES or not isinstance(value, str) or len(value) < _SHORTEST_SECRET:
                continue
            for form in (value, quote(value, safe="")):
                text = text.replace(form, _MASK)
        return text
