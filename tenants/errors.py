"""
What can be wrong with a request that concerns a tenant.

TenantError
├── TenantNotFound        no such tenant, or none that the caller may see: the same answer
├── TenantNotActive       carries the state it was in
├── TokenUnavailable      no usable token now; carries when to ask again, and DingTalk's code
└── TicketMissing         the suite has no ticket yet: only a push brings one
"""


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
    """The suite has no ticket yet: nothing can be asked in its name until one is pushed."""

    def __init__(self, *, suite_key: str) -> None:
        super().__init__(f"Suite {suite_key} has no suite ticket yet.")
        self.suite_key = suite_key
