"""
Logging in from DingTalk's admin console, which opens the suite's admin page with a code.

The ISV identifies itself by its own corp id and SSO secret; the administrator's company comes out of the
answer. Source: log-on-site-application-management-backend.
"""

from datetime import datetime

from django.conf import settings

from dingtalk.client import dingtalk_client
from dingtalk.client.login import SsoUser
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.redaction import register_secret
from dingtalk.models import Suite
from dingtalk.protocol.errors import CredentialRejected, DingTalkError
from tenants.errors import SsoNotConfigured, TokenUnavailable
from tenants.login.companies import company_of_login, leave_login
from tenants.models import ApiClient, TokenKind
from tenants.queries import get_covered_suite
from tenants.token_slots import Obtained, obtain_token, slot_of
from tenants.tokens import token_unavailable
from tenants.transitions import Overtaken
from tenants.waiting_room import place_to_wait

WAY = "admin_console"
MIN_TTL_SECONDS = 60


def log_in_by_sso_code(
    client: ApiClient, *, suite_key: str, code: str, actor: Actor, now: datetime
) -> SsoUser:
    """
    Tell who came from the admin console, by a code that works once.

    Raises SuiteNotFound, SsoNotConfigured, CompanyNotAuthorized, TokenUnavailable, CodeSpent and other
    DingTalkErrors.
    """
    suite = get_covered_suite(client, suite_key=suite_key)
    if not (suite.isv_corp_id and suite.sso_secret):
        raise SsoNotConfigured
    with place_to_wait():
        user = _ask(suite, code)
    # Not before: see in_app.
    register_secret(code)
    tenant = company_of_login(
        client, suite_key=suite_key, corp_id=user.corp_id, way=WAY, actor=actor, now=now
    )
    leave_login(actor, tenant, way=WAY, user_id=user.user_id, union_id="", now=now)
    return user


def _ask(suite: Suite, code: str) -> SsoUser:
    """A refused token leaves the code as it was, so it is asked for once more with a new one."""
    token = _sso_token(suite)
    try:
        return dingtalk_client().get_sso_user(sso_token=token, code=code)
    except CredentialRejected:
        token = _sso_token(suite, refused=token)
    return dingtalk_client().get_sso_user(sso_token=token, code=code)


def _sso_token(suite: Suite, *, refused: str | None = None) -> str:
    try:
        return obtain_token(
            slot_of(suite=suite, kind=TokenKind.SSO),
            lambda: _request(suite),
            min_ttl_seconds=MIN_TTL_SECONDS,
            wait_seconds=settings.TOKEN_WAIT_SECONDS,
            refused=refused,
        ).value
    except DingTalkError as error:
        raise token_unavailable(error) from error
    except Overtaken:
        raise TokenUnavailable("The token was overtaken by a change.", retry_after_seconds=1) from None


def _request(suite: Suite) -> Obtained:
    issued = dingtalk_client().get_sso_token(corp_id=suite.isv_corp_id, sso_secret=suite.sso_secret or "")
    return Obtained(issued, method="sso")
