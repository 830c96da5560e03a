"""
Logging in in a browser: OAuth 2, or the QR code on DingTalk's page.

The app sends the browser to the address that `begin` makes. DingTalk sends it back with a code and the state;
`complete` uses the state up, then the code, and tells who came. The person's token stays here.
Source: obtain-identity-credentials.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings

from dingtalk.client import dingtalk_client
from dingtalk.client.login import CurrentUser, IssuedUserToken
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.redaction import register_secret
from dingtalk.models import Suite
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import ApiError
from dingtalk.protocol.login_url import LoginScope, OrgType, UnusableLogin, login_url
from tenants.calling import call_as_tenant, find_active_tenant
from tenants.errors import LoginAgain, NotOfThisCompany, TenantNotFound
from tenants.login.companies import company_of_login, leave_login, leave_refusal
from tenants.login.states import begin_login, use_state
from tenants.login.user_tokens import end_session, store_user_token, with_user_token
from tenants.models import ApiClient, Tenant, UserToken
from tenants.queries import get_covered_suite
from tenants.suite_secrets import with_secret
from tenants.waiting_room import place_to_wait

logger = logging.getLogger(__name__)

WAY = "browser"


@dataclass(frozen=True)
class Choice:
    """What DingTalk's page is to ask for; see `login_url` for what goes together."""

    redirect_uri: str
    scope: LoginScope = LoginScope.OPENID_CORPID
    corp_id: str = ""
    org_type: OrgType | None = None
    exclusive_login: bool = False
    exclusive_corp_id: str = ""


@dataclass(frozen=True)
class LoginAddress:
    """Where to send the browser, and what it will bring back."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class LoggedIn:
    """Who logged in to which company. `user_id` is empty where the app may not see the person there."""

    session: UUID
    user: CurrentUser
    user_id: str
    tenant: Tenant


def begin(client: ApiClient, *, suite_key: str, choice: Choice, now: datetime) -> LoginAddress:
    """Make the address of a login page, with a state of its own; raises SuiteNotFound, UnusableLogin."""
    suite = get_covered_suite(client, suite_key=suite_key)
    # Looked at before there is a state.
    _address(suite, choice, state="")
    state = begin_login(client, suite, redirect_uri=choice.redirect_uri, corp_id=choice.corp_id, now=now)
    return LoginAddress(
        url=_address(suite, choice, state=state.text), state=state.text, expires_at=state.expires_at
    )


def complete(
    client: ApiClient, *, suite_key: str, code: str, state: str, actor: Actor, now: datetime
) -> LoggedIn:
    """
    Tell who came back from DingTalk's page, and keep their token.

    Raises SuiteNotFound, LoginStateInvalid, CompanyNotAuthorized, NotOfThisCompany, TokenUnavailable,
    CodeSpent and other DingTalkErrors. The state is used up whatever becomes of the rest.
    """
    suite = get_covered_suite(client, suite_key=suite_key)
    with place_to_wait():
        begun = use_state(client, suite, text=state, now=now)
        issued = _exchange(suite, code)
        # Not before they turned out to be what they were said to be: see in_app.
        register_secret(code)
        register_secret(state)
        user = dingtalk_client().get_current_user(user_access_token=issued.access_token)
    tenant = company_of_login(
        client,
        suite_key=suite_key,
        corp_id=_corp_id_of_login(issued, wanted=begun.corp_id),
        way=WAY,
        actor=actor,
        now=now,
    )
    user_id = _find_user_id(tenant, user.union_id)
    _require_membership(tenant, issued, wanted=begun.corp_id, is_found=bool(user_id), actor=actor, now=now)
    session = store_user_token(client, tenant, issued, union_id=user.union_id, user_id=user_id, now=now)
    leave_login(actor, tenant, way=WAY, user_id=user_id, union_id=user.union_id, now=now)
    return LoggedIn(session=session, user=user, user_id=user_id, tenant=tenant)


def who_is(client: ApiClient, *, suite_key: str, session: UUID, actor: Actor, now: datetime) -> LoggedIn:
    """
    Tell who a session is of, with a token kept fresh.

    Raises SuiteNotFound, TenantNotActive, TokenUnavailable, DingTalkError, and LoginAgain: it is no session
    of this app, the person left the company, or DingTalk renews the token no more.
    """
    suite = get_covered_suite(client, suite_key=suite_key)
    rows = UserToken.objects.select_related("tenant__corp")
    row = rows.filter(pk=session, client=client, tenant__suite=suite).first()
    if row is None:
        raise LoginAgain
    corp_id = row.tenant.corp.corp_id
    try:
        login = _confirmed(client, row, suite_key=suite_key)
    except LoginAgain:
        leave_refusal(
            actor, suite_key=suite_key, corp_id=corp_id, way="session", reason="login_again", now=now
        )
        raise
    extra = {"suite_key": suite_key, "corp_id": corp_id, "api_client": actor.name, "user_id": login.user_id}
    logger.info("A session was confirmed", extra=extra)
    return login


def _confirmed(client: ApiClient, row: UserToken, *, suite_key: str) -> LoggedIn:
    tenant = _tenant_of(client, row, suite_key=suite_key)
    user = _user_of(row)
    user_id = _find_user_id(tenant, user.union_id)
    if user.union_id != row.union_id or (row.user_id and not user_id):
        end_session(row.pk)
        raise LoginAgain
    return LoggedIn(session=row.pk, user=user, user_id=user_id, tenant=tenant)


def _address(suite: Suite, choice: Choice, *, state: str) -> str:
    is_told_company = choice.scope == LoginScope.OPENID_CORPID
    if not (is_told_company or choice.corp_id):
        raise UnusableLogin("corp_id", "DingTalk will not tell the company, so it has to be named.")
    return login_url(
        client_id=suite.suite_key,
        redirect_uri=choice.redirect_uri,
        state=state,
        scope=choice.scope,
        org_type=choice.org_type,
        corp_id=choice.corp_id if is_told_company else "",
        exclusive_login=choice.exclusive_login,
        exclusive_corp_id=choice.exclusive_corp_id,
        base_url=settings.DINGTALK_LOGIN_BASE_URL,
    )


def _exchange(suite: Suite, code: str) -> IssuedUserToken:
    """A refused secret leaves the code as it was."""
    return with_secret(
        suite,
        lambda secret: dingtalk_client().get_user_access_token(
            client_id=suite.suite_key, client_secret=secret, code=code
        ),
    )


def _corp_id_of_login(issued: IssuedUserToken, *, wanted: str) -> str:
    """The company that the person chose, where DingTalk tells it; else the one that was asked for."""
    return issued.corp_id or wanted


def _find_user_id(tenant: Tenant, union_id: str) -> str:
    """The person's id in the company; empty where there is none, or none that the app may see."""
    try:
        return call_as_tenant(
            tenant,
            lambda token: dingtalk_client().find_member_id(corp_access_token=token, union_id=union_id),
        )
    except ApiError as refusal:
        if refusal.action not in (Action.NOT_FOUND, Action.PERMISSION):
            raise
        return ""


def _require_membership(
    tenant: Tenant, issued: IssuedUserToken, *, wanted: str, is_found: bool, actor: Actor, now: datetime
) -> None:
    """
    Refuse who chose another company than was asked for, and whom nobody says to be of this one.

    Anybody with a DingTalk account can complete a login whose scope tells no company.
    """
    corp_id = tenant.corp.corp_id
    is_wanted = wanted in ("", corp_id)
    if is_wanted and (issued.corp_id == corp_id or is_found):
        return
    leave_refusal(
        actor,
        suite_key=tenant.suite.suite_key,
        corp_id=corp_id,
        way=WAY,
        reason="not_of_this_company",
        now=now,
    )
    raise NotOfThisCompany


def _tenant_of(client: ApiClient, row: UserToken, *, suite_key: str) -> Tenant:
    corp_id = row.tenant.corp.corp_id
    try:
        return find_active_tenant(client, suite_key=suite_key, corp_id=corp_id)
    except TenantNotFound as error:
        raise LoginAgain from error


def _user_of(row: UserToken) -> CurrentUser:
    try:
        with place_to_wait():
            return with_user_token(
                row, lambda token: dingtalk_client().get_current_user(user_access_token=token)
            )
    except ApiError as refusal:
        if refusal.action != Action.NOT_FOUND:
            raise
        end_session(row.pk)
        raise LoginAgain from refusal
