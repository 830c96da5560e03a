"""
Passing on a call that a tenant app makes itself: the answer is returned as it came, whatever it says.

Only what concerns the portal is looked at: limits, blocked addresses, and a token that DingTalk refuses.
Whatever the answer repeats of the token is masked.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dingtalk.client.call import Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.http import OversizedAnswer, RawAnswer
from dingtalk.client.refusals import UnusableAnswer, read_success
from dingtalk.protocol.errors import ApiError, CredentialRejected, DingTalkError, RateLimited, TransportError
from dingtalk.protocol.fields import clean_text, read_int
from dingtalk.protocol.json_guard import read_json

TOKEN_PARAMETER = "access_token"  # noqa: S105 - its name

_MASK = "***"
_CODE_LENGTH = 100
# Said before anything is done. Other codes of the table that ask for a new token come from the API itself,
# which may have acted, or are about the token of a person.
_TOKEN_REFUSALS = frozenset({"40001", "40014", "42001", "invalidauthentication", "invalidaccesstoken"})
_UNAUTHENTICATED = 401
_SERVER_ERROR = 500


@dataclass(frozen=True)
class ForwardedAnswer:
    """
    An answer to be passed on: its HTTP status, and JSON without the token, or nothing.

    `code`: DingTalk's own code for the log, "0" or empty where it said yes.
    """

    status: int
    body: bytes = field(repr=False)
    code: str


class ForwardingCalls(Caller):
    """Calls that are no calls of ours."""

    def forward(self, request: Request) -> ForwardedAnswer:
        """
        Make one call and return its answer, also one that says no.

        Raises HeldBack and RateLimited, CredentialRejected when the token was refused and so nothing was
        done, TransportError when no answer came, and UnusableAnswer or OversizedAnswer for one that cannot be
        passed on: no JSON, a redirect, more than 1 MiB. Source: server-api-calling-guide.
        """
        admission = self.gate.admit(request)
        raw = self._transport.exchange(request)
        if isinstance(raw, TransportError) and not isinstance(raw, OversizedAnswer):
            self.gate.note_no_answer(admission)
            raise raw
        outcome = raw if isinstance(raw, TransportError) else _judge(request, raw)
        if isinstance(outcome, RateLimited):
            self.gate.note_limit(admission, outcome)
        elif (
            isinstance(outcome, UnusableAnswer) and isinstance(raw, RawAnswer) and raw.status >= _SERVER_ERROR
        ):
            self.gate.note_no_answer(admission)
        else:
            self.gate.note_answer(admission)
        if isinstance(outcome, DingTalkError):
            raise outcome
        return outcome


def _judge(request: Request, raw: RawAnswer) -> ForwardedAnswer | DingTalkError:
    """The answer or the error, not yet raised: raised in here, it would carry others as its context."""
    refusal = _find_refusal(request, raw)
    if isinstance(refusal, RateLimited) or (refusal is not None and _is_token_refusal(refusal)):
        return refusal
    try:
        return _passed_on(request, raw)
    except UnusableAnswer as error:
        # A new one: the chain of this one ends in an exception that holds the whole answer.
        return UnusableAnswer(str(error))


def _find_refusal(request: Request, raw: RawAnswer) -> ApiError | None:
    try:
        read_success(request, raw)
    except ApiError as refusal:
        return refusal
    except UnusableAnswer:
        return None
    return None


def _is_token_refusal(refusal: ApiError) -> bool:
    if not isinstance(refusal, CredentialRejected):
        return False
    code = (refusal.sub_code or refusal.code).casefold()
    return code in _TOKEN_REFUSALS or refusal.http_status == _UNAUTHENTICATED


def _passed_on(request: Request, raw: RawAnswer) -> ForwardedAnswer:
    is_success = 200 <= raw.status < 300
    if is_success and not raw.body.strip():
        return ForwardedAnswer(raw.status, b"", "")
    if not (is_success or 400 <= raw.status < 600):
        raise UnusableAnswer(f"HTTP {raw.status}")
    value = read_json(raw.body, error=UnusableAnswer)
    masked = _without(value, _token_pattern(request))
    # An answer that repeats nothing stays as it is to the byte.
    body = raw.body if masked == value else json.dumps(masked, ensure_ascii=False).encode()
    return ForwardedAnswer(raw.status, body, _code(request, raw, masked))


def _code(request: Request, raw: RawAnswer, value: Any) -> str:
    """DingTalk's own code. In a new answer that says yes a `code` may be anything, also a secret."""
    if not isinstance(value, dict):
        return ""
    if request.call.family is Family.OLD:
        number = read_int(value.get("errcode"))
        return "" if number is None else str(number)
    is_refusal = raw.status >= 400
    return clean_text(value.get("code"), _CODE_LENGTH) if is_refusal else ""


def _token_pattern(request: Request) -> re.Pattern[str]:
    token = request.token or request.query[TOKEN_PARAMETER]
    return re.compile("|".join(map(re.escape, (token, quote(token, safe="")))), re.IGNORECASE)


def _without(value: Any, secret: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return secret.sub(_MASK, value)
    if isinstance(value, list):
        return [_without(item, secret) for item in value]
    if isinstance(value, dict):
        return {_without(name, secret): _without(item, secret) for name, item in value.items()}
    return value
