"""
What can be wrong with a request that concerns a tenant.

TenantError
├── TenantNotFound        no such tenant, or none that the caller may see: the same answer
├── TenantNotActive       carries the state it was in
├── TokenUnavailable      no usable token now; carries when to ask again, and DingTalk's code
├── TicketMissing         the suite has no ticket yet: only a push brings one
│   └── TicketsRefused    those that it has were refused a moment ago: nobody was asked again
├── SuiteNotFound         no such suite, or none that the caller covers: the same answer
├── LoginStateInvalid     the state of a login is unknown, another app's, used, or too old
├── CompanyNotAuthorized  who logs in is of a company that has not authorised the suite, or is not the app's
├── NotOfThisCompany      who logs in is not known to be of the company that was asked for
├── LoginAgain            a session is none, or none any more: the person has to log in again
├── SsoNotConfigured      the suite has no SSO secret, or not the ISV's own corp id
├── AgentNotUsable        no agent of the tenant, or one of several; carries those that there are
├── PageNotAllowed        a page is not on the suite's domains, or its address is not plain
├── WouldBeDropped        DingTalk would drop the notification in silence; carries why
├── SendConflict          the idempotency key stands for another request, or for one not settled
├── NotificationNotFound  no such notification, or not the caller's: the same answer
├── NotificationClosed    what is asked of a notification is not possible, or not any more; carries why
├── ContactNotFound       what is asked for in an address book can be no id
├── ProxyPathNotAllowed   the key does not allow what is to be called, or nobody may call it
├── ProxyParameterRefused a call through the proxy brings a token of its own
├── ProxyAnswerUnusable   DingTalk's answer cannot be passed on: no JSON, or too large
├── ProxyOutcomeUnknown   no answer came, and DingTalk may have acted
└── KeyRefused            not an API key of ours, or not any more; carries why
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID


class TenantError(Exception):
    """Base of the tenants app's errors."""


class TenantNotFound(TenantError):
    """No such tenant, or none that the caller may see."""

    def __init__(self, *, suite_key: str, corp_id: str) -> None:
        super().__init__(f"No tenant {corp_id} on suite {suite_key}.")
        self.suite_key = suite_key
        self.corp_id = corp_id


class TenantNotActive(TenantError):
    """The company's authorisation does not allow calls now."""

    def __init__(self, *, suite_key: str, corp_id: str, state: str) -> None:
        super().__init__(f"Tenant {corp_id} on suite {suite_key} is {state}.")
        self.suite_key = suite_key
        self.corp_id = corp_id
        self.state = state


class TokenUnavailable(TenantError):
    """
    No token can be had now. `retry_after_seconds` says when asking again makes sense.

    `code` and `request_id` are DingTalk's when it refused, else empty. The text holds no secret.
    """

    def __init__(
        self, reason: str, *, retry_after_seconds: int, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.code = code
        self.request_id = request_id


class TicketMissing(TenantError):
    """
    The suite has no ticket yet: nothing can be asked in its name until one is pushed.

    `was_asked_without`: the one call that needs no ticket was made too, and failed.
    """

    def __init__(self, *, suite_key: str) -> None:
        super().__init__(f"Suite {suite_key} has no suite ticket yet.")
        self.suite_key = suite_key
        self.was_asked_without = False


class TicketsRefused(TicketMissing):
    """DingTalk has refused the suite's tickets a moment ago, so it was not asked: only a push helps."""

    def __init__(self, *, suite_key: str) -> None:
        super().__init__(suite_key=suite_key)
        self.args = (f"DingTalk refuses the tickets of suite {suite_key}; a new one has to be pushed.",)


class ContactNotFound(TenantError):
    """What is asked for in an address book can be no id, so DingTalk is not asked."""


class ProxyPathNotAllowed(TenantError):
    """The key's list does not have this path, or it is one that nobody may call through the portal."""


class ProxyParameterRefused(TenantError):
    """A call through the proxy brings a token, which is for the portal to add."""


class ProxyAnswerUnusable(TenantError):
    """DingTalk's answer cannot be passed on: it is no JSON, or more than the portal reads."""


class ProxyOutcomeUnknown(TenantError):
    """No answer came to a call through the proxy that may do something: DingTalk may have acted."""


class KeyRefusal(StrEnum):
    """Why an API key is refused. The values are the codes that the REST API answers."""

    UNKNOWN = "authentication_failed"
    EXPIRED = "key_expired"
    REVOKED = "key_revoked"
    CLIENT_DISABLED = "client_disabled"


class KeyRefused(TenantError):
    """
    An API key does not let anybody in.

    Every reason but UNKNOWN is told only to who has the whole key. The text holds nothing of the key.
    """

    def __init__(self, reason: KeyRefusal) -> None:
        super().__init__(f"API key refused: {reason}.")
        self.reason = reason


class SuiteNotFound(TenantError):
    """No such suite, or none that the caller covers."""


class LoginStateInvalid(TenantError):
    """The state of a login is unknown, of another app or suite, used, or too old."""


class CompanyNotAuthorized(TenantError):
    """Who logs in is of a company that has not authorised the suite, or that the app may not see."""


class NotOfThisCompany(TenantError):
    """Who logs in is not known to be of the company that was asked for."""


class LoginAgain(TenantError):
    """A session is none, or none any more: the person has to log in again."""


class SsoNotConfigured(TenantError):
    """The suite lacks what identifies the ISV to the admin console: its own corp id, the SSO secret."""


class AgentNotUsable(TenantError):
    """The tenant has no such agent, or several to choose from, or none that we know of: `known`."""

    def __init__(self, *, is_named: bool, known: Sequence[int]) -> None:
        super().__init__(f"Choose an agent among {len(known)}.")
        self.is_named = is_named
        self.known = list(known)


class PageNotAllowed(TenantError):
    """A page is not to be signed: not on a domain of the suite, or its address could be read otherwise."""


class WouldBeDropped(TenantError):
    """
    DingTalk would accept the notification and drop it, or some of its copies that must not be dropped.

    `warnings`: a code and the people it concerns, for each reason. `retry_after_seconds`: when it could be
    sent, where that is soon.
    """

    def __init__(
        self, warnings: Sequence[tuple[str, Sequence[str]]], *, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__("DingTalk would drop the notification.")
        self.warnings = list(warnings)
        self.retry_after_seconds = retry_after_seconds


class SendConflictReason(StrEnum):
    """Why an idempotency key cannot be answered for. The values are the codes that the REST API answers."""

    OTHER_REQUEST = "idempotency_conflict"
    IN_PROGRESS = "idempotency_in_progress"
    OUTCOME_UNKNOWN = "outcome_unknown"


class SendConflict(TenantError):
    """An idempotency key stands for another request, for one under way, or for one whose answer was lost."""

    def __init__(
        self, reason: SendConflictReason, *, notification_id: UUID, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(f"Notification {notification_id}: {reason}.")
        self.reason = reason
        self.notification_id = notification_id
        self.retry_after_seconds = retry_after_seconds


class NotificationNotFound(TenantError):
    """No such notification, or one of another app or company."""


class ClosedReason(StrEnum):
    """Why a notification cannot be asked about or changed. The values are codes of the REST API."""

    NOT_SENT = "notification_not_sent"
    TOO_OLD = "notification_too_old"
    TOO_MANY_RECEIVERS = "too_many_receivers"
    NOT_FINISHED = "sending_not_finished"
    NO_STATUS_BAR = "no_status_bar"


class NotificationClosed(TenantError):
    """What is asked of a notification is not possible, or not any more."""

    def __init__(self, reason: ClosedReason, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"The notification cannot be used: {reason}.")
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
