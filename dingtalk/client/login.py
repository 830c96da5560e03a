"""
Calls that tell who a person is: inside DingTalk, in a browser, or in the admin console.

Each takes a one-time code that the person's client brought; what became of one whose answer was lost is not
known, so that none of these calls is repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dingtalk.client import contacts
from dingtalk.client.answers import IssuedToken, read_lifetime, read_object, read_secret
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_bool, read_identifier, read_int

GET_LOGIN_USER = Call("/topapi/v2/user/getuserinfo", repeatable=False, spends_code=True)
# By a code or by a refresh token, which this call may replace: neither is sent again blindly.
GET_USER_ACCESS_TOKEN = Call(
    "/v1.0/oauth2/userAccessToken", family=Family.NEW, repeatable=False, spends_code=True
)
GET_CURRENT_USER = Call("/v1.0/contact/users/me", family=Family.NEW, method="GET")
GET_SSO_TOKEN = Call("/sso/gettoken", method="GET")
GET_SSO_USER = Call("/sso/getuserinfo", method="GET", repeatable=False, spends_code=True)
GET_SSO_ACCESS_TOKEN = Call("/v1.0/oauth2/ssoAccessToken", family=Family.NEW)
GET_SSO_USER_INFO = Call(
    "/v1.0/oauth2/ssoUserInfo", family=Family.NEW, method="GET", repeatable=False, spends_code=True
)

# The old call states no lifetime, and the sample of the new one has an hour.
LONGEST_SSO_SECONDS = 3_000

_EXTERNAL_CONTACT = 1
_ID_LENGTH = 64
_NAME_LENGTH = 200
_URL_LENGTH = 1_000


@dataclass(frozen=True)
class LoginUser:
    """
    Who opened the app inside DingTalk. `union_id` is the same in all companies for one ISV.

    `sys_level`: 1 main administrator, 2 sub-administrator, 100 owner, 0 nobody of these. `name` is empty
    where the company encrypts its address book.
    """

    user_id: str
    union_id: str
    associated_union_id: str
    name: str
    device_id: str
    is_admin: bool
    sys_level: int | None


@dataclass(frozen=True)
class IssuedUserToken:
    """A token that speaks for a person. `corp_id`: the company chosen, where the login was to tell it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_seconds: int
    corp_id: str


@dataclass(frozen=True)
class CurrentUser:
    """Whom a user token speaks for. `mobile` is masked, or empty without a permission for it."""

    union_id: str
    open_id: str
    nick: str
    avatar_url: str
    mobile: str = field(repr=False)
    email: str = field(repr=False)
    state_code: str


@dataclass(frozen=True)
class SsoUser:
    """Who came from the admin console, and of which company."""

    corp_id: str
    corp_name: str
    user_id: str
    name: str
    email: str = field(repr=False)
    avatar_url: str
    is_admin: bool


class LoginCalls(Caller):
    """A refused one-time code is a CodeSpent: used, expired, unknown or of another kind."""

    def get_login_user(self, *, corp_access_token: str, code: str) -> LoginUser:
        """
        Tell who opened the app inside DingTalk, by a code that is good for 5 minutes and once.

        The token is that of the company in which the app was opened. Errors: 40078 the code, 41026 no code,
        40079 no grant. Source: obtain-the-userid-of-a-user-by-using-the-log-free.
        """
        request = Request(GET_LOGIN_USER, query={"access_token": corp_access_token}, body={"code": code})
        return self.ask(request, _read_login_user)

    def get_user_access_token(self, *, client_id: str, client_secret: str, code: str) -> IssuedUserToken:
        """
        Exchange the code of a login page, good once, for a token of the person.

        It lasts 2 hours and can be refreshed for 30 days. `client_id`, `client_secret`: suite key and suite
        secret. Errors: invalidParameter.authCode.notFound, invalidClientIdOrSecret.
        Source: obtain-user-token.
        """
        body = {
            "clientId": client_id,
            "clientSecret": client_secret,
            "code": code,
            "grantType": "authorization_code",
        }
        request = Request(GET_USER_ACCESS_TOKEN, body=body, suite_key=client_id)
        return self.ask(request, _read_user_token)

    def refresh_user_access_token(
        self, *, client_id: str, client_secret: str, refresh_token: str
    ) -> IssuedUserToken:
        """
        Get a new token of a person; the answer has a refresh token again, which replaces the one before.

        Errors are not documented for this call: a 4xx that is not about us or a limit means that the person
        has to log in again. Source: obtain-user-token.
        """
        body = {
            "clientId": client_id,
            "clientSecret": client_secret,
            "refreshToken": refresh_token,
            "grantType": "refresh_token",
        }
        request = Request(GET_USER_ACCESS_TOKEN, body=body, suite_key=client_id)
        return self.ask(request, _read_user_token)

    def get_current_user(self, *, user_access_token: str) -> CurrentUser:
        """
        Tell whom a user token speaks for.

        Errors: invalidParameter.user.notFound, InvalidAuthentication,
        Forbidden.AccessDenied.AccessTokenPermissionDenied (no permission Contact.User.Read, or no user's
        token). Source: dingtalk-retrieve-user-information.
        """
        return self.ask(Request(GET_CURRENT_USER, token=user_access_token), _read_current_user)

    def find_member_id(self, *, corp_access_token: str, union_id: str) -> str:
        """
        Get the userid of a member of the company; empty for one of its external contacts.

        Errors: 60121 nobody here has this union id. Source: query-a-user-by-the-union-id.
        """
        request = Request(
            contacts.GET_USER_ID_BY_UNION_ID,
            query={"access_token": corp_access_token},
            body={"unionid": union_id},
        )
        return self.ask(request, _read_member_id)

    def get_sso_token(self, *, corp_id: str, sso_secret: str) -> IssuedToken:
        """
        Get the token for logins from the admin console: by the ISV's own corp id and SSO secret.

        Errors: 40001 the secret. Source: obtain-the-ssotoken-for-micro-application-background-logon-free.
        """
        query = {"corpid": corp_id, "corpsecret": sso_secret}
        return self.ask(Request(GET_SSO_TOKEN, query=query, corp_id=corp_id), _read_old_sso_token)

    def get_sso_user(self, *, sso_token: str, code: str) -> SsoUser:
        """
        Tell who came from the admin console, by a code that is good for about 5 minutes and once.

        Errors: 41007 the code, 40014 and 42001 the token.
        Source: exchange-code-for-the-identity-information-of-a-microapplication-administrator.
        """
        request = Request(GET_SSO_USER, query={"access_token": sso_token, "code": code})
        return self.ask(request, _read_sso_user)

    def get_sso_access_token(self, *, corp_id: str, sso_secret: str) -> IssuedToken:
        """
        Get the same kind of token by the v1.0 call.

        Errors: invalidClientIdOrSecret.
        Source: obtain-the-access-token-of-the-micro-application-background-without-log-on.
        """
        body = {"corpid": corp_id, "ssoSecret": sso_secret}
        return self.ask(Request(GET_SSO_ACCESS_TOKEN, body=body, corp_id=corp_id), _read_new_sso_token)

    def get_sso_user_info(self, *, sso_access_token: str, code: str) -> SsoUser:
        """
        Tell the same by the v1.0 call. The code goes into the query, although a sample has it as a body.

        Errors: invalidCode, invalidToken. Source: obtains-the-identity-of-an-application-administrator.
        """
        request = Request(GET_SSO_USER_INFO, query={"code": code}, token=sso_access_token)
        return self.ask(request, _read_sso_user_info)


def _read_login_user(members: Mapping[str, Any]) -> LoginUser:
    user = read_object(members, "result")
    return LoginUser(
        user_id=_required_id(user, "userid"),
        union_id=_id(user, "unionid"),
        associated_union_id=_id(user, "associated_unionid"),
        name=clean_text(user.get("name"), _NAME_LENGTH),
        device_id=clean_text(user.get("device_id"), _NAME_LENGTH),
        is_admin=read_bool(user.get("sys")) is True,
        sys_level=read_int(user.get("sys_level")),
    )


def _read_user_token(members: Mapping[str, Any]) -> IssuedUserToken:
    """A refresh token that is missing is none: the person then logs in again after two hours."""
    has_refresh_token = members.get("refreshToken") not in (None, "")
    return IssuedUserToken(
        access_token=read_secret(members, "accessToken"),
        refresh_token=read_secret(members, "refreshToken") if has_refresh_token else "",
        expires_in_seconds=read_lifetime(members.get("expireIn")),
        corp_id=_id(members, "corpId"),
    )


def _read_current_user(members: Mapping[str, Any]) -> CurrentUser:
    return CurrentUser(
        union_id=_required_id(members, "unionId"),
        open_id=_id(members, "openId"),
        nick=clean_text(members.get("nick"), _NAME_LENGTH),
        avatar_url=clean_text(members.get("avatarUrl"), _URL_LENGTH),
        mobile=clean_text(members.get("mobile"), _NAME_LENGTH),
        email=clean_text(members.get("email"), _NAME_LENGTH),
        state_code=clean_text(members.get("stateCode"), _NAME_LENGTH),
    )


def _read_member_id(members: Mapping[str, Any]) -> str:
    found = read_object(members, "result")
    is_external = read_int(found.get("contact_type")) == _EXTERNAL_CONTACT
    return "" if is_external else _required_id(found, "userid")


def _read_old_sso_token(members: Mapping[str, Any]) -> IssuedToken:
    return _sso_token(read_secret(members, "access_token"), members.get("expires_in"))


def _read_new_sso_token(members: Mapping[str, Any]) -> IssuedToken:
    return _sso_token(read_secret(members, "accessToken"), members.get("expireIn"))


def _sso_token(token: str, lifetime: object) -> IssuedToken:
    return IssuedToken(token, min(read_lifetime(lifetime), LONGEST_SSO_SECONDS))


def _read_sso_user(members: Mapping[str, Any]) -> SsoUser:
    user, company = read_object(members, "user_info"), read_object(members, "corp_info")
    return SsoUser(
        corp_id=_required_id(company, "corpid"),
        corp_name=clean_text(company.get("corp_name"), _NAME_LENGTH),
        user_id=_required_id(user, "userid"),
        name=clean_text(user.get("name"), _NAME_LENGTH),
        email=clean_text(user.get("email"), _NAME_LENGTH),
        avatar_url=clean_text(user.get("avatar"), _URL_LENGTH),
        is_admin=read_bool(members.get("is_sys")) is True,
    )


def _read_sso_user_info(members: Mapping[str, Any]) -> SsoUser:
    return SsoUser(
        corp_id=_required_id(members, "corpId"),
        corp_name=clean_text(members.get("corpName"), _NAME_LENGTH),
        user_id=_required_id(members, "userId"),
        name=clean_text(members.get("userName"), _NAME_LENGTH),
        email=clean_text(members.get("email"), _NAME_LENGTH),
        avatar_url=clean_text(members.get("avatar"), _URL_LENGTH),
        is_admin=read_bool(members.get("isAdmin")) is True,
    )


def _id(members: Mapping[str, Any], name: str) -> str:
    return read_identifier(members.get(name), _ID_LENGTH) or ""


def _required_id(members: Mapping[str, Any], name: str) -> str:
    found = _id(members, name)
    if not found:
        raise UnusableAnswer(f"no {name} in the answer")
    return found
