"""
Whom a limit of DingTalk's concerns: any mix of app, company and API, or everything we do.

Source: "server-api-error-codes-1", "how-to-process-api-throttling-on-the-dingtalk-server"
"""

import re
from enum import IntFlag, auto
from typing import NamedTuple

from dingtalk.protocol.errors import ApiError


class Scope(IntFlag):
    """What a pause or a limit is counted by; none of the three means every call of this address."""

    EVERYTHING = 0
    SUITE = auto()
    TENANT = auto()
    API = auto()

    @property
    def label(self) -> str:
        """Name the dimensions for people; never which suite or company, for another app may read it."""
        return _LABELS[self]


SCOPES = tuple(Scope(bits) for bits in range(8))
_LABELS = {
    scope: " and ".join(str(part.name).lower() for part in Scope if part & scope) or "every call"
    for scope in SCOPES
}

_MOST_NARROW = Scope.SUITE | Scope.TENANT | Scope.API
_BY_CODE = {
    "1111": Scope.EVERYTHING,
    "90001": Scope.EVERYTHING,
    "90002": Scope.API,
    "90003": Scope.TENANT,
    "90004": Scope.SUITE | Scope.TENANT,
    "90005": Scope.TENANT | Scope.API,
    "90007": Scope.TENANT,
    "90008": Scope.TENANT | Scope.API,
    "90009": Scope.EVERYTHING,
    "90010": Scope.API,
    "90011": Scope.SUITE,
    "90012": Scope.SUITE | Scope.API,
    "90013": Scope.SUITE | Scope.TENANT,
    "90017": Scope.EVERYTHING,
    "90020": Scope.TENANT,
}
EVERYTHING_KEY = "0"
_LIMIT_NAME = re.compile(r"(?:Qps|Qpm|ApiCount)LimitFor(\w+)", re.IGNORECASE)
_BY_WORD = {"suitekey": Scope.SUITE, "appkey": Scope.SUITE, "org": Scope.TENANT, "api": Scope.API}


class Party(NamedTuple):
    """Whom a call is about; `api` is its endpoint. What is not known is empty."""

    suite_key: str
    corp_id: str
    api: str

    def keys(self) -> tuple[str, ...]:
        """
        Return the names under which its part of each scope is kept, in the order of `SCOPES`.

        Each begins with the scope: the calls of no known app are not all calls.
        """
        suite_key, corp_id, api = self
        return (
            EVERYTHING_KEY,
            f"1|{suite_key}",
            f"2|{corp_id}",
            f"3|{suite_key}|{corp_id}",
            f"4|{api}",
            f"5|{suite_key}|{api}",
            f"6|{corp_id}|{api}",
            f"7|{suite_key}|{corp_id}|{api}",
        )


def limited_scope(error: ApiError) -> Scope:
    """
    Return what has to rest after a refusal for too many calls.

    Told by the code, or by the end of a v1.0 name (`…QpsLimitForSuitekeyAndOrgAndApi`); a code that names no
    dimension is taken to concern the app's calls of this API for this company.
    """
    code = error.sub_code or error.code
    known = _BY_CODE.get(code)
    return _scope_in_name(code) if known is None else known


def _scope_in_name(code: str) -> Scope:
    found = _LIMIT_NAME.search(code)
    words = re.split("And", found[1]) if found else []
    scope = Scope.EVERYTHING
    for word in words:
        if word.lower() not in _BY_WORD:
            return _MOST_NARROW
        scope |= _BY_WORD[word.lower()]
    return scope or _MOST_NARROW
