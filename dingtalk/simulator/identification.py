"""
Who is calling: signed requests, suite access tokens and corp tokens, checked as the platform checks them.

Sources: `the-signature-calculation-method-of-the-third-party-access-interface`, `server-api-error-codes-1`;
which family of paths answers a bad token how is observed behaviour.
"""

from dingtalk.simulator.answers import NewFamilyError, OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.signing import same_text, suite_request_signature
from dingtalk.simulator.tokens import IssuedToken, TokenKind
from dingtalk.simulator.world import Grant, Suite

MILLISECOND_DIGITS = 13


def signed_suite(call: Call) -> Suite:
    """The suite that signed the query: 853001 to 853005 for what is wrong with it."""
    query = call.query
    suite = call.world.suites.get(query.text("accessKey"))
    if suite is None:
        raise OldFamilyError(853003, "accessKey不存在")
    call.suite_key = suite.suite_key
    check_signature(call, suite)
    return suite


def check_signature(call: Call, suite: Suite) -> None:
    """Check time, signature and ticket of the query against a suite."""
    timestamp, ticket = call.query.text("timestamp"), call.query.text("suiteTicket")
    _check_timestamp(call, timestamp)
    expected = suite_request_signature(
        suite_secret=suite.suite_secret, suite_ticket=ticket, timestamp=timestamp
    )
    if not same_text(expected, call.query.text("signature")):
        raise OldFamilyError(853004, "签名不匹配")
    if not call.world.is_valid_ticket(suite, ticket):
        raise OldFamilyError(853005, "suiteTicket参数无效")


def _check_timestamp(call: Call, timestamp: str) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) == MILLISECOND_DIGITS):
        raise OldFamilyError(853001, "时间戳必须是毫秒级的当前时间")
    distance_ms = abs(call.world.clock.now_ms() - int(timestamp))
    if distance_ms > call.world.options.signature_tolerance_seconds * 1000:
        raise OldFamilyError(853002, "时间戳与服务器时间相差超过1分钟")


def token_suite(call: Call) -> Suite:
    """The suite of the `suite_access_token` in the query: 41022 missing, 40082 unknown, 42009 expired."""
    text = call.query.text("suite_access_token")
    if not text:
        raise OldFamilyError(41022, "缺少suite_access_token参数")
    token = call.world.tokens.find(text, kind=TokenKind.SUITE)
    if token is None:
        raise OldFamilyError(40082, "不合法的suite_access_token")
    if call.world.tokens.is_expired(token):
        raise OldFamilyError(42009, "suite_access_token已失效")
    call.suite_key = token.suite_key
    return call.world.suites[token.suite_key]


def topapi_grant(call: Call) -> Grant:
    """The grant behind a corp token on /topapi, where the gateway wraps what is wrong into errcode 88."""
    text = call.parameters.text("access_token")
    if not text:
        raise _gateway_error("40000", "不合法的access_token")
    grant = _corp_grant(call, text)
    if grant is None:
        raise _gateway_error("40014", "不合法的access_token")
    return grant


def suite_of_topapi(call: Call, grant: Grant) -> Suite:
    """The suite of a grant for a call on /topapi that is there for suites only: 60011 for an internal app."""
    suite = call.world.find_suite(grant)
    if suite is None:
        raise no_topapi_permission()
    return suite


def no_topapi_permission(sub_msg: str = "没有调用该接口的权限") -> OldFamilyError:
    """The app is known, but may not make this call."""
    return _gateway_error("60011", sub_msg)


def plain_grant(call: Call) -> Grant:
    """The grant behind a corp token on the other old paths: 41001 missing, 40014 not good."""
    text = call.query.text("access_token")
    if not text:
        raise OldFamilyError(41001, "缺少access_token参数")
    grant = _corp_grant(call, text)
    if grant is None:
        raise OldFamilyError(40014, "不合法的access_token")
    return grant


def header_suite(call: Call) -> Suite:
    """The suite of the token in `x-acs-dingtalk-access-token`; a company's token has no permission here."""
    if not call.header_token:
        raise NewFamilyError("AuthenticationFailed.MissingParameter", "缺少参数 x-acs-dingtalk-access-token")
    tokens = call.world.tokens
    token = tokens.find(call.header_token, kind=TokenKind.SUITE)
    if token is not None and not tokens.is_expired(token):
        call.suite_key = token.suite_key
        return call.world.suites[token.suite_key]
    if _corp_grant(call, call.header_token) is not None:
        raise NewFamilyError(
            "Forbidden.AccessDenied.AccessTokenPermissionDenied", "没有调用该接口的权限", status=403
        )
    raise NewFamilyError("InvalidAuthentication", "不合法的access_token")


def header_grant(call: Call) -> Grant:
    """The grant behind a corp token in `x-acs-dingtalk-access-token`; a suite's own token is none."""
    if not call.header_token:
        raise NewFamilyError("AuthenticationFailed.MissingParameter", "缺少参数 x-acs-dingtalk-access-token")
    grant = _corp_grant(call, call.header_token)
    if grant is None:
        raise NewFamilyError("InvalidAuthentication", "不合法的access_token")
    return grant


def _corp_grant(call: Call, text: str) -> Grant | None:
    token = call.world.tokens.find(text, kind=TokenKind.CORP)
    if token is None:
        return None
    call.suite_key, call.corp_id = token.suite_key, token.corp_id
    if call.world.tokens.is_expired(token):
        return None
    return _token_grant(call, token)


def _token_grant(call: Call, token: IssuedToken) -> Grant | None:
    return call.world.find_grant(suite_key=token.suite_key, corp_id=token.corp_id)


def _gateway_error(sub_code: str, sub_msg: str) -> OldFamilyError:
    errmsg = f"ding talk error[subcode={sub_code},submsg={sub_msg}]"
    return OldFamilyError(88, errmsg, sub_code=sub_code, sub_msg=sub_msg)
