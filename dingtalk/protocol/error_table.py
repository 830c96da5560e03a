"""
What each error code of DingTalk means and what to do about it, from `errors.tsv`.

Source: open.dingtalk.com, "server-api-error-codes-1", and the page named in each row
"""

import re
from csv import QUOTE_NONE, DictReader
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import (
    ApiError,
    AuthorizationGone,
    CodeSpent,
    CredentialRejected,
    QuotaUsedUp,
    RateLimited,
    TenantInactive,
    TicketRejected,
    Transient,
)

__all__ = ["Action", "ErrorEntry", "classify", "find_error", "load_error_table"]

ANY_CODE = "(any code)"
IP_BAN_SECONDS = 300.0
# Decided by endpoint and code: elsewhere 42008 and its like say that the grant is gone.
_SPENT_CODES = frozenset(
    {"40078", "40091", "40102", "42008", "41007", "invalidCode", "invalidParameter.authCode.notFound"}
)
_IP_BAN_CODE = "1111"
# 90014 counts by the minute, as the v1.0 name of the same limit says (QpmLimit…).
_PAUSE_SECONDS = {_IP_BAN_CODE: IP_BAN_SECONDS, "90001": IP_BAN_SECONDS, "90014": 60.0}
_MONTHLY_QUOTA_CODE = "90020"
_NESTING_CODE = "88"
_NESTED_IN_TEXT = re.compile(r"\bsub_?code\s*=\s*([\w.\-]{1,64})", re.IGNORECASE)
_ILLEGAL_TOKEN_CODE = "40014"  # noqa: S105 - an error code

_ERROR_TYPES: dict[Action, type[ApiError]] = {
    Action.RETRY: Transient,
    Action.RATE_LIMIT: RateLimited,
    Action.REFRESH_TOKEN: CredentialRejected,
    Action.REFRESH_SUITE_TOKEN: CredentialRejected,
    Action.REFRESH_JSAPI_TICKET: CredentialRejected,
    Action.REFRESH_TICKET: TicketRejected,
    Action.REAUTH: AuthorizationGone,
    Action.TENANT_GONE: AuthorizationGone,
    Action.TENANT_INACTIVE: TenantInactive,
}


@dataclass(frozen=True)
class ErrorEntry:
    """
    One code of the table.

    `http_statuses`: as text, among them `client` and `local` for codes that no server answers with.
    """

    code: str
    http_statuses: tuple[str, ...]
    meaning: str
    action: Action
    advice: str = ""
    source: str = ""


@cache
def load_error_table() -> tuple[ErrorEntry, ...]:
    """Return every row of `errors.tsv`, in its order."""
    text = files("dingtalk.protocol").joinpath("errors.tsv").read_text(encoding="utf-8")
    return tuple(
        ErrorEntry(
            code=row["code"],
            http_statuses=tuple(row["http_status"].split("/")),
            meaning=row["meaning"],
            action=Action(row["action"]),
            advice=row["advice"] or "",
            source=row["source"] or "",
        )
        for row in DictReader(text.splitlines(), delimiter="\t", quoting=QUOTE_NONE)
    )


@cache
def _entries_by_code() -> dict[str, list[ErrorEntry]]:
    by_code: dict[str, list[ErrorEntry]] = {}
    for entry in load_error_table():
        by_code.setdefault(entry.code.casefold(), []).append(entry)
    return by_code


def find_error(code: str, http_status: int) -> ErrorEntry:
    """
    Return what the table says about a code that came with this HTTP status.

    Letter case is ignored (the platform itself varies it). Unknown v1.0 names are told by their HTTP status,
    unknown old codes have the action `unknown`: a few attempts, then stop.
    """
    known = _entries_by_code().get(code.casefold(), ())
    for fits in (_same_status, _same_class, _any_status):
        for entry in known:
            if fits(entry, http_status):
                return entry
    return _limit_in_name(code, http_status) or _default_entry(code, http_status)


def _same_status(entry: ErrorEntry, http_status: int) -> bool:
    return str(http_status) in entry.http_statuses


def _same_class(entry: ErrorEntry, http_status: int) -> bool:
    return any(status[0] == str(http_status)[0] for status in entry.http_statuses)


def _any_status(_entry: ErrorEntry, _http_status: int) -> bool:
    return True


def _limit_in_name(code: str, http_status: int) -> ErrorEntry | None:
    """Tell limits and the white list by the name of a code: new dimensions appear without notice."""
    if "QpsLimit" in code or "QpmLimit" in code:
        return ErrorEntry(code, (str(http_status),), "call limit of an unlisted dimension", Action.RATE_LIMIT)
    if "ApiCountLimit" in code:
        return ErrorEntry(code, (str(http_status),), "API quota used up", Action.QUOTA)
    if "IpNotInWhiteList" in code:
        return ErrorEntry(code, (str(http_status),), "calling IP not in the white list", Action.CONFIG)
    return None


def _default_entry(code: str, http_status: int) -> ErrorEntry:
    status = str(http_status)
    defaults = {entry.http_statuses[0]: entry for entry in _entries_by_code()[ANY_CODE]}
    default = defaults.get(status) or defaults.get(f"{status[0]}00")
    if default is None:
        advice = "unknown: try a few times with back-off, then stop; add it to the table"
        return ErrorEntry(code, (status,), "code not in the table", Action.UNKNOWN, advice)
    # The table's 403 says "inspect": what _limit_in_name does not know is a missing permission.
    action = Action.PERMISSION if default.action is Action.INSPECT else default.action
    return ErrorEntry(code, (status,), default.meaning, action, default.advice, default.source)


def classify(
    *,
    endpoint: str,
    code: str,
    http_status: int,
    message: str = "",
    request_id: str = "",
    sub_code: str = "",
    sub_message: str = "",
    spends_code: bool = False,
) -> ApiError:
    """
    Return the error for an answer that says no; the caller raises it.

    `code`: the old `errcode` as text, or the v1.0 name. Code 88 only wraps: `sub_code` decides, or the code
    inside the message. `spends_code`: the endpoint takes a one-time code, so that "code unknown" means spent.
    """
    deciding = code
    if code == _NESTING_CODE:
        sub_code = sub_code or _nested_code(message, sub_message)
        entry = _nested_entry(sub_code, http_status)
        deciding = sub_code or code
    else:
        entry = find_error(code, http_status)
    kind = _ERROR_TYPES.get(entry.action, ApiError)
    if spends_code and deciding in _SPENT_CODES:
        kind = CodeSpent
    elif _is_monthly_quota(deciding):
        kind = QuotaUsedUp
    error = kind(
        endpoint=endpoint,
        code=code,
        message=sub_message or message,
        http_status=http_status,
        request_id=request_id,
        action=entry.action,
        advice=entry.advice,
        sub_code=sub_code if code == _NESTING_CODE else "",
    )
    if isinstance(error, RateLimited) and not isinstance(error, QuotaUsedUp):
        error.retry_after_seconds = _pause_seconds(deciding, entry)
        error.ip_ban = deciding == _IP_BAN_CODE
    return error


def _is_monthly_quota(code: str) -> bool:
    """Other quotas are of numbers of things, and nothing of them is over by waiting."""
    return code == _MONTHLY_QUOTA_CODE or "ApiCountLimit" in code


def _nested_code(message: str, sub_message: str) -> str:
    """Find the code that decides in the texts of an 88, where the field for it is empty."""
    text = f"{message} {sub_message}"[:2_000]
    if found := _NESTED_IN_TEXT.search(text):
        return found[1]
    if "access_token" in text.casefold() and re.search(r"不合法|illegal|invalid", text, re.IGNORECASE):
        return _ILLEGAL_TOKEN_CODE
    return ""


def _nested_entry(sub_code: str, http_status: int) -> ErrorEntry:
    if not sub_code or sub_code.startswith("isp."):
        # Empty: a time-out of the authentication service. "isp.": a fault on DingTalk's side.
        meaning = "authentication service not available"
        return ErrorEntry(_NESTING_CODE, (str(http_status),), meaning, Action.RETRY, "back off and repeat")
    return find_error(sub_code, http_status)


def _pause_seconds(code: str, entry: ErrorEntry) -> float:
    if code in _PAUSE_SECONDS:
        return _PAUSE_SECONDS[code]
    if "QpmLimit" in code or "per-minute" in entry.meaning:
        return 60.0
    return 1.0
