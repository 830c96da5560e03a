"""What is stored of the companies that authorised our suites, and of the apps that act for them."""

from tenants.models.access_token import AccessToken, TokenKind
from tenants.models.api_client import ApiClient, ApiKey, Scope
from tenants.models.failed_pushes import FailedPushFetch
from tenants.models.login import LoginState, UserToken
from tenants.models.notification import (
    Notification,
    NotificationKind,
    NotificationState,
    NotifiedPerson,
)
from tenants.models.tenant import (
    CONVERGED_STATES,
    AuthCorp,
    Tenant,
    TenantState,
    TenantTransition,
    WaitingFor,
)
from tenants.models.tmp_auth_code import CodeState, TmpAuthCode

__all__ = [
    "CONVERGED_STATES",
    "AccessToken",
    "ApiClient",
    "ApiKey",
    "AuthCorp",
    "CodeState",
    "FailedPushFetch",
    "LoginState",
    "Notification",
    "NotificationKind",
    "NotificationState",
    "NotifiedPerson",
    "Scope",
    "Tenant",
    "TenantState",
    "TenantTransition",
    "TmpAuthCode",
    "TokenKind",
    "UserToken",
    "WaitingFor",
]
