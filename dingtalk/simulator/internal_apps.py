"""
Apps that companies made for themselves: every company has one, with a key and a secret of its own.

Their token stays the same while it is good, and each request for it prolongs it.
Source: `obtain-orgapp-token`, `obtain-the-access-token-of-an-internal-app`
"""

from typing import Any

from dingtalk.simulator.answers import NewFamilyError, OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.signing import same_text
from dingtalk.simulator.tokens import IssuedToken, TokenKind
from dingtalk.simulator.world import InternalApp

Result = dict[str, Any]


def get_token(call: Call) -> Result:
    """
    The token by the old call; what counts is in the query only, a form body is ignored.

    Old clients name the company and the app's secret instead of its key (the historic guide).
    """
    app_key, app_secret = call.query.text("appkey"), call.query.text("appsecret")
    corp_id, corp_secret = call.query.text("corpid"), call.query.text("corpsecret")
    if app_key and app_secret:
        app = find_internal_app(call, app_key=app_key, app_secret=app_secret)
        refusal = OldFamilyError(40096, "不合法的appkey或appsecret")
    elif corp_id and corp_secret:
        app = _find_by_company(call, corp_id=corp_id, app_secret=corp_secret)
        refusal = OldFamilyError(40089, "不合法的corpid或corpsecret")
    else:
        raise OldFamilyError(40035, "缺少参数 corpid or appkey")
    if app is None:
        raise refusal
    return {
        "access_token": token_of(call, app).text,
        "expires_in": call.world.options.token_lifetime_seconds,
    }


def get_access_token(call: Call) -> Result:
    """The token by the v1.0 call."""
    app = find_internal_app(
        call, app_key=call.parameters.text("appKey"), app_secret=call.parameters.text("appSecret")
    )
    if app is None:
        raise NewFamilyError("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
    return {"accessToken": token_of(call, app).text, "expireIn": call.world.options.token_lifetime_seconds}


def find_internal_app(call: Call, *, app_key: str, app_secret: str) -> InternalApp | None:
    """The app of this key, or None when there is none or the secret is another."""
    app = call.world.internal_apps.get(app_key)
    if app is None or not same_text(app.app_secret, app_secret):
        return None
    call.suite_key, call.corp_id = app.app_key, app.grant.corp_id
    return app


def _find_by_company(call: Call, *, corp_id: str, app_secret: str) -> InternalApp | None:
    for app in call.world.internal_apps.values():
        if app.grant.corp_id == corp_id:
            return find_internal_app(call, app_key=app.app_key, app_secret=app_secret)
    return None


def token_of(call: Call, app: InternalApp) -> IssuedToken:
    """The app's good token, prolonged, or a new one."""
    tokens = call.world.tokens
    lifetime_seconds = call.world.options.token_lifetime_seconds
    token = tokens.find(app.token, kind=TokenKind.CORP)
    if token is None or tokens.is_expired(token):
        token = tokens.issue(
            kind=TokenKind.CORP,
            suite_key=app.app_key,
            corp_id=app.grant.corp_id,
            lifetime_seconds=lifetime_seconds,
        )
        app.token = token.text
    tokens.prolong(token, lifetime_seconds=lifetime_seconds)
    return token
