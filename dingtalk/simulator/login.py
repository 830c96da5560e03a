"""
Who a person is: by a code of the client, of the login page, or of the admin console.

Sources: `obtain-the-userid-of-a-user-by-using-the-log-free`, `obtain-user-token`,
`dingtalk-retrieve-user-information`, `log-on-site-application-management-backend` and the pages it names.
"""

import hashlib
from typing import Any

from dingtalk.simulator.answers import NewFamilyError, OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.codes import CodeKind, LoginCode, RefreshToken
from dingtalk.simulator.identification import plain_grant, topapi_grant
from dingtalk.simulator.signing import same_text
from dingtalk.simulator.tokens import IssuedToken, TokenKind
from dingtalk.simulator.world import Company, Grant, Person, Suite

Result = dict[str, Any]

SSO_TOKEN_SECONDS = 3600
MAIN_ADMINISTRATOR, SUB_ADMINISTRATOR, NO_ADMINISTRATOR = 1, 2, 0


def get_user_info(call: Call) -> Result:
    """Who opened the app in the client (`obtain-the-userid-of-a-user-by-using-the-log-free`)."""
    company, person, level = _in_app_person(call, topapi_grant(call), call.parameters.text("code"))
    return {
        "result": {
            "userid": person.userid,
            "unionid": person.unionid,
            "associated_unionid": f"associated{person.unionid}",
            "name": person.name,
            "device_id": _derived("device", company.corp_id, person.userid),
            "sys": level != NO_ADMINISTRATOR,
            "sys_level": level,
        }
    }


def get_user_info_flat(call: Call) -> Result:
    """The same, as the old call says it (`get-user-userid-through-login-free-code`)."""
    company, person, level = _in_app_person(call, plain_grant(call), call.query.text("code"))
    return {
        "userid": person.userid,
        "name": person.name,
        "deviceId": _derived("device", company.corp_id, person.userid),
        "is_sys": level != NO_ADMINISTRATOR,
        "sys_level": level,
    }


def user_access_token(call: Call) -> Result:
    """A user token by the code of the login page, or by a refresh token (`obtain-user-token`)."""
    suite = _client(call)
    match call.parameters.text("grantType"):
        case "authorization_code":
            code = call.world.login_codes.find(call.parameters.text("code"), kind=CodeKind.WEB)
            if code is None or code.suite_key != suite.suite_key:
                raise NewFamilyError("invalidParameter.authCode.notFound", "不存在的authCode")
            call.world.login_codes.spend(code)
            return _user_token(call, code)
        case "refresh_token":
            refresh_token = call.world.login_codes.take_refresh_token(
                call.parameters.text("refreshToken"), suite_key=suite.suite_key
            )
            if refresh_token is None:
                raise NewFamilyError("invalidParameter.refreshToken.notFound", "不存在的refreshToken")
            return _user_token(call, refresh_token)
        case _:
            raise NewFamilyError("invalidParameter.grantType", "不支持的grantType")


def current_user(call: Call) -> Result:
    """Whom the user token in the header speaks for (`dingtalk-retrieve-user-information`)."""
    token = _header_token(call, TokenKind.USER)
    return _nameplate(token, call.world.companies[token.corp_id].people.get(token.userid))


def user_by_union_id(call: Call) -> Result:
    """The same by a union id in the path, of anybody in the company of the user token."""
    token = _header_token(call, TokenKind.USER)
    people = call.world.companies[token.corp_id].people.values()
    return _nameplate(token, next((each for each in people if each.unionid == call.path_union_id), None))


def _nameplate(token: IssuedToken, person: Person | None) -> Result:
    if person is None:
        raise NewFamilyError("invalidParameter.user.notFound", "找不到该用户", status=404)
    return {
        "nick": person.name,
        "avatarUrl": "",
        "openId": _derived("open", token.suite_key, person.unionid),
        "unionId": person.unionid,
        "email": "",
        "stateCode": "86",
    }


def get_sso_token(call: Call) -> Result:
    """
    The ISV's token for its admin console.

    Source: `obtain-the-ssotoken-for-micro-application-background-logon-free`.
    """
    suite = _sso_suite(call, call.query.text("corpid"), call.query.text("corpsecret"))
    if suite is None:
        raise OldFamilyError(40001, "获取access_token时Secret错误，或者access_token无效")
    return {"access_token": _issue_sso_token(call, suite).text}


def get_sso_user(call: Call) -> Result:
    """
    Who came from the admin console.

    Source: `exchange-code-for-the-identity-information-of-a-microapplication-administrator`.
    """
    token = call.world.tokens.find(call.query.text("access_token"), kind=TokenKind.SSO)
    if token is None:
        raise OldFamilyError(40014, "不合法的access_token")
    if call.world.tokens.is_expired(token):
        raise OldFamilyError(42001, "access_token已过期")
    code = _sso_code(call, token)
    if code is None:
        raise OldFamilyError(41007, "不合法的ssocode，或者已经被使用")
    company, person = _spend(call, code)
    return {
        "user_info": {"userid": person.userid, "name": person.name, "email": "", "avatar": ""},
        "corp_info": {"corpid": company.corp_id, "corp_name": company.name},
        "is_sys": person.is_admin,
    }


def sso_access_token(call: Call) -> Result:
    """The same token (`obtain-the-access-token-of-the-micro-application-background-without-log-on`)."""
    suite = _sso_suite(call, call.parameters.text("corpid"), call.parameters.text("ssoSecret"))
    if suite is None:
        raise NewFamilyError("invalidClientIdOrSecret", "不合法的corpid或ssoSecret")
    return {"accessToken": _issue_sso_token(call, suite).text, "expireIn": SSO_TOKEN_SECONDS}


def sso_user_info(call: Call) -> Result:
    """Who came, as the new call says it (`obtains-the-identity-of-an-application-administrator`)."""
    token = call.world.tokens.find(call.header_token or "", kind=TokenKind.SSO)
    if token is None or call.world.tokens.is_expired(token):
        raise NewFamilyError("invalidToken", "不合法的token")
    code = _sso_code(call, token)
    if code is None:
        raise NewFamilyError("invalidCode", "不合法的code")
    company, person = _spend(call, code)
    return {
        "corpId": company.corp_id,
        "corpName": company.name,
        "userId": person.userid,
        "userName": person.name,
        "email": "",
        "avatar": "",
        "isAdmin": person.is_admin,
    }


def _in_app_person(call: Call, grant: Grant, text: str) -> tuple[Company, Person, int]:
    if not text:
        raise OldFamilyError(41026, "缺少code参数")
    code = _good_code(call, text, CodeKind.IN_APP)
    if code is None or (code.suite_key, code.corp_id) != (grant.suite_key, grant.corp_id):
        raise OldFamilyError(40078, "不存在的临时授权码")
    company, person = _spend(call, code)
    if not person.is_admin:
        return company, person, NO_ADMINISTRATOR
    is_main = person.userid == company.admin_userid
    return company, person, MAIN_ADMINISTRATOR if is_main else SUB_ADMINISTRATOR


def _spend(call: Call, code: LoginCode) -> tuple[Company, Person]:
    """Use a code up, and say whose it is."""
    call.world.login_codes.spend(code)
    call.suite_key, call.corp_id = code.suite_key, code.corp_id
    company = call.world.companies[code.corp_id]
    return company, company.people[code.userid]


def _good_code(call: Call, text: str, kind: CodeKind) -> LoginCode | None:
    """A code that is still good, of somebody who is still there."""
    code = call.world.login_codes.find(text, kind=kind)
    is_there = code is not None and code.userid in call.world.companies[code.corp_id].people
    return code if is_there else None


def _client(call: Call) -> Suite:
    suite = call.world.suites.get(call.parameters.text("clientId"))
    if suite is None or not same_text(suite.suite_secret, call.parameters.text("clientSecret")):
        raise NewFamilyError("invalidClientIdOrSecret", "不合法的clientId或clientSecret")
    call.suite_key = suite.suite_key
    return suite


def _user_token(call: Call, basis: LoginCode | RefreshToken) -> Result:
    lifetime_seconds = call.world.options.token_lifetime_seconds
    whose = {"suite_key": basis.suite_key, "corp_id": basis.corp_id, "userid": basis.userid}
    call.corp_id = basis.corp_id
    token = call.world.tokens.issue(kind=TokenKind.USER, lifetime_seconds=lifetime_seconds, **whose)
    next_one = call.world.login_codes.issue_refresh_token(**whose, tells_company=basis.tells_company)
    company = {"corpId": basis.corp_id} if basis.tells_company else {}
    return {
        "accessToken": token.text,
        "refreshToken": next_one.text,
        "expireIn": lifetime_seconds,
        **company,
    }


def _header_token(call: Call, kind: TokenKind) -> IssuedToken:
    """The good token of this kind in the header; any other one has no permission."""
    text = call.header_token
    if not text:
        raise NewFamilyError("AuthenticationFailed.MissingParameter", "缺少参数 x-acs-dingtalk-access-token")
    tokens = call.world.tokens
    token = tokens.find(text, kind=kind)
    if token is not None and not tokens.is_expired(token):
        call.suite_key, call.corp_id = token.suite_key, token.corp_id
        return token
    if any(tokens.find(text, kind=other) for other in TokenKind if other is not kind):
        raise NewFamilyError(
            "Forbidden.AccessDenied.AccessTokenPermissionDenied", "没有调用该接口的权限", status=403
        )
    raise NewFamilyError("InvalidAuthentication", "不合法的access_token")


def _sso_suite(call: Call, corp_id: str, sso_secret: str) -> Suite | None:
    """The suite of this ISV whose SSO secret it is."""
    for suite in call.world.suites.values():
        if suite.isv_corp_id == corp_id and same_text(suite.sso_secret, sso_secret):
            call.suite_key = suite.suite_key
            return suite
    return None


def _issue_sso_token(call: Call, suite: Suite) -> IssuedToken:
    return call.world.tokens.issue(
        kind=TokenKind.SSO, suite_key=suite.suite_key, lifetime_seconds=SSO_TOKEN_SECONDS
    )


def _sso_code(call: Call, token: IssuedToken) -> LoginCode | None:
    code = _good_code(call, call.query.text("code"), CodeKind.SSO)
    return code if code is not None and code.suite_key == token.suite_key else None


def _derived(*parts: str) -> str:
    """An id that is always the same for the same thing."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:24]
