"""
Whether an answer says yes, no, or nothing that can be used.

Old calls answer HTTP 200 with an `errcode`, new ones a status with a `code`; a blocked address gets neither.
Source: server API pages "server-api-calling-guide", "server-api-error-codes-1", "call-frequency-limit"
"""

import re
from typing import Any

from dingtalk.client.call import Family, Request
from dingtalk.client.http import RawAnswer
from dingtalk.protocol.error_table import classify
from dingtalk.protocol.errors import ApiError, ProtocolError, RateLimited
from dingtalk.protocol.fields import clean_text, first_text, read_int
from dingtalk.protocol.json_guard import read_json_object

_IP_BAN_CODE = "1111"
_SUCCESS_CODE = "0"
_TOO_MANY_REQUESTS = 429
_LONGEST_PAUSE_SECONDS = 300
_CODE_LENGTH = 100
_TEXT_LENGTH = 1_000
# The page of the platform's gateway for a blocked address; other pages of it are mere failures.
_BAN_PAGE = re.compile(rb"denied|punish", re.IGNORECASE)
_LONGEST_PAGE_SEEN = 65_536


class UnusableAnswer(ProtocolError):
    """An answer that has not the form of one; its text never quotes the answer."""


def read_success(request: Request, raw: RawAnswer) -> dict[str, Any]:
    """
    Return the members of an answer that says yes.

    Raises UnusableAnswer for what is no answer of the call's family: a server error, a redirect, a page, no
    JSON object, no `errcode`. Raises ApiError when it says no; every text in it is without our secrets.
    """
    members = _members(raw)
    if _is_ban(raw, members):
        raise _refusal(request, raw, code=_IP_BAN_CODE)
    if raw.status == _TOO_MANY_REQUESTS:
        raise _refusal(request, raw, code=_code(members) or str(raw.status), members=members)
    if not (200 <= raw.status < 300 or 400 <= raw.status < 500):
        raise UnusableAnswer(f"HTTP {raw.status}")
    if members is None:
        raise UnusableAnswer(f"HTTP {raw.status}, not a JSON object")
    code = _code(members)
    if code is None and (raw.status >= 400 or request.call.family is Family.OLD):
        raise UnusableAnswer(f"HTTP {raw.status} without a code")
    if code is not None and (raw.status >= 400 or code != _SUCCESS_CODE):
        raise _refusal(request, raw, code=code, members=members)
    return members


def _members(raw: RawAnswer) -> dict[str, Any] | None:
    try:
        return read_json_object(raw.body, error=UnusableAnswer)
    except UnusableAnswer:
        return None


def _is_ban(raw: RawAnswer, members: dict[str, Any] | None) -> bool:
    if members is None:
        page = raw.body[:_LONGEST_PAGE_SEEN].lstrip()
        return page.startswith(b"<") and _BAN_PAGE.search(page) is not None
    return "errcode" not in members and str(members.get("status")) == _IP_BAN_CODE


def _code(members: dict[str, Any] | None) -> str | None:
    """The code of either family as text, None where there is none: `errcode` may be a number or text."""
    if members is None:
        return None
    if "errcode" not in members:
        return clean_text(members.get("code"), _CODE_LENGTH) or None
    number = read_int(members["errcode"])
    text = members["errcode"] if isinstance(members["errcode"], str) else ""
    return str(number) if number is not None else clean_text(text, _CODE_LENGTH) or None


def _refusal(
    request: Request, raw: RawAnswer, *, code: str, members: dict[str, Any] | None = None
) -> ApiError:
    said = members or {}

    def text(*names: str) -> str:
        return request.without_secrets(clean_text(first_text(said, *names), _TEXT_LENGTH))

    error = classify(
        endpoint=request.call.endpoint,
        code=request.without_secrets(code),
        http_status=raw.status,
        message=text("errmsg", "message"),
        request_id=text("request_id", "requestid", "requestId"),
        sub_code=request.without_secrets(clean_text(said.get("sub_code"), _CODE_LENGTH)),
        sub_message=text("sub_msg"),
        spends_code=request.call.spends_code,
    )
    if isinstance(error, RateLimited) and not error.ip_ban:
        asked_seconds = min(read_int(raw.retry_after) or 0, _LONGEST_PAUSE_SECONDS)
        error.retry_after_seconds = max(error.retry_after_seconds, float(asked_seconds))
    return error
