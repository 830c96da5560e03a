"""
The calls that we make to DingTalk, each described once.

Sources: server API pages "obtain-application-suite-ticket", "obtain-a-permanent-authorization-code",
"obtains-the-basic-information-of-an-enterprise", "obtain-isvapp-token",
"obtain-the-access-token-of-the-authorized-enterprise-1", "activate-suite",
"obtains-a-list-of-enterprises-whose-applications-are-not-activated",
"re-authorize-enterprises-whose-applications-are-not-activated", "obtain-corpsecret-authorization-scope"
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote

# Whatever else we send is a secret: an answer that repeats it is masked.
_PUBLIC_NAMES = frozenset(
    {"accessKey", "timestamp", "suite_key", "suiteKey", "auth_corpid", "authCorpId", "corpid_list", "app_id"}
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


GET_SUITE_TOKEN = Call("/service/get_suite_token")
GET_PERMANENT_CODE = Call("/service/get_permanent_code", repeatable=False, spends_code=True)
GET_AUTH_INFO = Call("/service/get_auth_info")
GET_CORP_TOKEN = Call("/service/get_corp_token")
GET_CORP_ACCESS_TOKEN = Call("/v1.0/oauth2/corpAccessToken", family=Family.NEW)
ACTIVATE_SUITE = Call("/service/activate_suite")
GET_UNACTIVE_CORP = Call("/service/get_unactive_corp")
REAUTH_CORP = Call("/service/reauth_corp")
GET_AUTH_SCOPES = Call("/auth/scopes", method="GET")


@dataclass(frozen=True)
class Request:
    """
    One call with what is sent: the query not yet encoded, the body as JSON.

    `suite_key`, `corp_id`: whom it is about, for the log; empty when only a token tells.
    """

    call: Call
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    suite_key: str = ""
    corp_id: str = ""

    def without_secrets(self, text: str) -> str:
        """Return a text of the answer with the secrets that we sent masked, under whatever name."""
        for name, value in [*self.query.items(), *(self.body or {}).items()]:
            if name in _PUBLIC_NAMES or not isinstance(value, str) or len(value) < _SHORTEST_SECRET:
                continue
            for form in (value, quote(value, safe="")):
                text = text.replace(form, _MASK)
        return text
