"""
What can go wrong between DingTalk and us.

::

    DingTalkError
    ├── ProtocolError              what arrived is not a message for us
    │   ├── MalformedEnvelope      the HTTP request does not have the form of a callback
    │   ├── SignatureMismatch      no credential of the suite made this signature
    │   ├── DecryptionFailed       signed, but does not open; one text for every reason
    │   │   └── WrongReceiver      opens, but names another suite key
    │   └── MalformedEvent         authentic, but not a message that we can read
    ├── TransportError             no usable answer: timeout, TLS, 5xx, not JSON
    └── ApiError                   DingTalk answered no
        ├── CredentialRejected     a cached token is stale: fetch it once, repeat once, then give up
        │   └── TicketRejected     the suite ticket is stale: only a new push helps
        ├── RateLimited            carries retry_after_seconds and ip_ban
        │   └── QuotaUsedUp        no calls of this company for a day
        │   └── HeldBack           our own: not sent, since DingTalk would refuse it or does not answer
        ├── AuthorizationGone      the company has removed us or is dissolved: stop asking
        ├── CodeSpent              a one-time code was used, expired or unknown: never repeat with it
        ├── TenantInactive         the app is stopped or the organisation disabled: may come back
        └── Transient              busy: back off and repeat what may be repeated

An `ApiError` of no subclass is told by its `action`. No text of any error holds a secret.
"""

from enum import StrEnum

from dingtalk.protocol.actions import Action
from dingtalk.protocol.redaction import redact_endpoint, redact_text


class DingTalkError(Exception):
    """Anything that went wrong between DingTalk and us."""

    def __reduce__(self) -> tuple[object, ...]:
        # By itself an exception is copied to another process by calling it with its text alone.
        return _rebuild, (type(self), dict(self.__dict__), self.args)


class ProtocolError(DingTalkError):
    """What arrived is not a message for us."""


class MalformedEnvelope(ProtocolError):
    """The request does not have the form of a callback."""


class SignatureMismatch(ProtocolError):
    """No credential of the suite made this signature."""

    def __init__(self) -> None:
        super().__init__("the signature does not match")


class DecryptionFailed(ProtocolError):
    """
    The message does not open.

    The text is the same for base64, padding, length and receiver: a difference would be an oracle.
    """

    def __init__(self) -> None:
        super().__init__("the message cannot be decrypted")


class WrongReceiver(DecryptionFailed):
    """The message opens, but names another suite key than ours."""


class MalformedEvent(ProtocolError):
    """An authentic message that is not what we can read: not JSON, no object, no event type, too deep."""


class TransportError(DingTalkError):
    """
    No usable answer came.

    `retryable`: the server cannot have acted, or the call may be repeated. `reason`: short, for people.
    """

    def __init__(self, endpoint: str, *, retryable: bool, reason: str = "") -> None:
        self.endpoint = redact_endpoint(endpoint)
        self.retryable = retryable
        self.reason = redact_text(reason)
        super().__init__(f"{self.endpoint}: {self.reason or 'no usable answer'}")


class ApiError(DingTalkError):
    """
    DingTalk answered no.

    `code` is what it answered: an old `errcode` as text or a v1.0 name; `sub_code` the nested one that
    decides under code 88, else empty. `message` is redacted. `action` and `advice` come from the error table.
    Made by `error_table.classify`.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        code: str,
        message: str,
        http_status: int,
        request_id: str,
        action: Action,
        advice: str,
        sub_code: str = "",
    ) -> None:
        self.endpoint = redact_endpoint(endpoint)
        self.code = redact_text(code)
        self.message = redact_text(message)
        self.http_status = http_status
        self.request_id = redact_text(request_id)
        self.action = action
        self.advice = advice
        self.sub_code = redact_text(sub_code)
        super().__init__(self._summary())

    def _summary(self) -> str:
        code = f"{self.code}/{self.sub_code}" if self.sub_code else self.code
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.endpoint}: {code} {self.message}".rstrip() + request


class CredentialRejected(ApiError):
    """A cached token was refused: drop it, fetch it once, repeat once. `action` says which token."""


class TicketRejected(CredentialRejected):
    """The suite ticket was refused: use the newest stored one; if unchanged, wait for a new push."""


class RateLimited(ApiError):
    """
    Too many calls.

    `retry_after_seconds`: how long to leave alone what was limited. `ip_ban`: DingTalk blocks this address,
    so all calls of all suites have to stop for that long.
    """

    retry_after_seconds: float = 1.0
    ip_ban: bool = False


class QuotaUsedUp(RateLimited):
    """The calls that a company has in a month are used up: it is not asked for anything for a day."""

    retry_after_seconds: float = 24 * 60 * 60.0


class HoldReason(StrEnum):
    """Why a call of ours was not sent."""

    BUDGET = "budget"
    COOL_DOWN = "cool_down"
    IP_BAN = "ip_ban"
    BREAKER = "breaker"


class HeldBack(RateLimited):
    """
    A call of ours that was not sent: DingTalk said no to nothing, and a one-time code is as good as before.

    `reason`: our own budget is used up, DingTalk wants a pause, it blocks this address, or the endpoint gave
    no usable answer lately. `scope`: what has to rest, in words of ours. `retry_after_seconds`: for how long.
    `code` and `http_status` are empty, since nobody answered. To be tried again later without counting as
    a failed attempt.
    """

    def __init__(
        self, *, endpoint: str, reason: HoldReason, scope: str, retry_after_seconds: float, detail: str = ""
    ) -> None:
        because = f" after {detail}" if detail else ""
        super().__init__(
            endpoint=endpoint,
            code="",
            message=f"not sent: {reason}{because}, {scope}",
            http_status=0,
            request_id="",
            action=Action.RATE_LIMIT,
            advice="try again later",
        )
        self.reason = reason
        self.scope = scope
        self.retry_after_seconds = retry_after_seconds
        self.ip_ban = reason is HoldReason.IP_BAN

    def _summary(self) -> str:
        return f"{self.endpoint}: {self.message}"


class AuthorizationGone(ApiError):
    """The company has not authorised us any more, or is dissolved: stop asking, verify, mark it."""


class CodeSpent(ApiError):
    """A one-time code is used, expired or unknown: never repeat the call with the same code."""


class TenantInactive(ApiError):
    """The company has stopped the app, or is disabled: it may come back."""


class Transient(ApiError):
    """DingTalk is busy or broken for the moment: back off with jitter, repeat what may be repeated."""


def _rebuild(kind: type[DingTalkError], state: dict[str, object], args: tuple[object, ...]) -> DingTalkError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
