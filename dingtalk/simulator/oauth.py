"""`/v1.0/oauth2/*`: tokens and grant information in the new family's spelling."""

from typing import Any

from dingtalk.simulator.answers import NewFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.identification import header_suite
from dingtalk.simulator.internal_apps import find_internal_app, token_of
from dingtalk.simulator.signing import same_text
from dingtalk.simulator.suite_service import issue_corp_token, issue_suite_token
from dingtalk.simulator.world import AppState, InternalApp, Suite

Result = dict[str, Any]


def suite_access_token(call: Call) -> Result:
    """A suite access token (`obtains-the-suite-acess-token-of-third-party-enterprise-applications`)."""
    suite = _suite(call, "suiteKey", "suiteSecret", wrong="invalidClientIdOrSecret")
    _check_ticket(call, suite)
    token = issue_suite_token(call.world, suite)
    return {"accessToken": token.text, "expireIn": call.world.options.token_lifetime_seconds}


def corp_access_token(call: Call) -> Result:
    """A new token of a company (`obtain-the-access-token-of-the-authorized-enterprise-1`)."""
    if call.parameters.text("suiteKey") not in call.world.suites:
        raise NewFamilyError("invalidSuiteKey", "不合法的suiteKey")
    suite = _suite(call, "suiteKey", "suiteSecret", wrong="invalidClientIdOrSecret")
    _check_ticket(call, suite)
    corp_id = call.corp_id = call.parameters.text("authCorpId")
    grant = call.world.find_grant(suite_key=suite.suite_key, corp_id=corp_id)
    if grant is None:
        raise NewFamilyError("invalidAuthInfo", "企业没有开通该应用，授权关系不存在")
    token = issue_corp_token(call.world, grant)
    return {"accessToken": token.text, "expireIn": call.world.options.token_lifetime_seconds}


def unified_token(call: Call) -> Result:
    """
    A token of the company in the path, without a ticket; snake_case (`api-gettoken`).

    For a suite, and for an app that the company made for itself.
    """
    if call.parameters.text("grant_type") != "client_credentials":
        raise NewFamilyError("unsupported.grant.type", "不支持的grant_type")
    app = find_internal_app(
        call, app_key=call.parameters.text("client_id"), app_secret=call.parameters.text("client_secret")
    )
    if app is not None:
        return _unified_token_of_internal_app(call, app)
    suite = _suite(call, "client_id", "client_secret", wrong="invalid.client")
    corp_id = call.corp_id = call.path_corp_id
    grant = call.world.find_grant(suite_key=suite.suite_key, corp_id=corp_id)
    if grant is None:
        raise NewFamilyError("unauthorized.client", "应用未被该企业授权", status=401)
    token = issue_corp_token(call.world, grant)
    return {"access_token": token.text, "expires_in": call.world.options.token_lifetime_seconds}


def _unified_token_of_internal_app(call: Call, app: InternalApp) -> Result:
    if call.path_corp_id != app.grant.corp_id:
        raise NewFamilyError("unauthorized.client", "应用不属于该企业", status=401)
    token = token_of(call, app)
    return {"access_token": token.text, "expires_in": call.world.options.token_lifetime_seconds}


def apps_auth_info(call: Call) -> Result:
    """
    What a company has authorised, for the suite's own token. It names no corp id.

    Source: `obtains-the-authorization-information-after-the-enterprise-activates-the-application-1`.
    """
    suite = header_suite(call)
    corp_id = call.corp_id = call.query.text("authCorpId")
    company = call.world.companies.get(corp_id)
    if company is None:
        raise NewFamilyError("invalidCorpId", "不合法的corpId")
    grant = call.world.find_grant(suite_key=suite.suite_key, corp_id=corp_id)
    if grant is None:
        raise NewFamilyError("orgNotAuthApp", "企业未授权该应用")
    agent = {
        "agentId": grant.agent_id,
        "agentName": suite.name,
        "appId": suite.app_id,
        "adminList": [company.admin_userid],
    }
    unknown = ("inviteCode", "licenseCode", "authChannel", "authChannelType", "inviteUrl", "corpLogoUrl")
    return {
        "authAppInfo": {"agentList": [] if grant.app_state is AppState.REMOVED else [agent]},
        "authCorpInfo": {
            "corpName": company.name,
            "industry": company.industry,
            "authLevel": company.auth_level,
            **dict.fromkeys(unknown, ""),
        },
        "authUserInfo": {"userId": company.admin_userid},
    }


def _suite(call: Call, key_name: str, secret_name: str, *, wrong: str) -> Suite:
    suite = call.world.suites.get(call.parameters.text(key_name))
    secret = call.parameters.text(secret_name)
    if suite is None or not same_text(suite.suite_secret, secret):
        raise NewFamilyError(wrong, "不合法的应用标识或密钥")
    call.suite_key = suite.suite_key
    return suite


def _check_ticket(call: Call, suite: Suite) -> None:
    if not call.world.is_valid_ticket(suite, call.parameters.text("suiteTicket")):
        raise NewFamilyError("invalidSuiteTicket", "不合法的suiteTicket")
