"""
`/service/*`: what a suite does for itself and for the companies that authorised it.

Source: `protocol` pages of the old family, named at each function.
"""

import re
from typing import Any

from dingtalk.simulator import grants
from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.identification import check_signature, signed_suite, token_suite
from dingtalk.simulator.profiles import auth_corp_info, auth_info
from dingtalk.simulator.signing import same_text
from dingtalk.simulator.tokens import IssuedToken, TokenKind
from dingtalk.simulator.world import AppState, Grant, Suite, World

Result = dict[str, Any]

# The last two parts may be stars; after a star the last one counts for nothing.
_ADDRESS = re.compile(r"\d{1,3}\.\d{1,3}\.(\d{1,3}|\*)\.(\d{1,3}|\*)")
CLOSE_DISABLED, CLOSE_NORMAL, CLOSE_WAITING = 0, 1, 2


def get_suite_token(call: Call) -> Result:
    """A suite access token for key, secret and ticket (`obtain-application-suite-ticket`)."""
    suite_key = _required(call, "suite_key", 41021)
    suite_secret = _required(call, "suite_secret", 41024)
    ticket = _required(call, "suite_ticket", 41023)
    suite = call.world.suites.get(suite_key)
    if suite is None or not same_text(suite.suite_secret, suite_secret):
        raise OldFamilyError(40088, "不合法的suite_key或suite_secret")
    call.suite_key = suite_key
    if not call.world.is_valid_ticket(suite, ticket):
        raise OldFamilyError(40085, "suite_ticket不存在")
    token = issue_suite_token(call.world, suite)
    return {"suite_access_token": token.text, "expires_in": call.world.options.token_lifetime_seconds}


def get_permanent_code(call: Call) -> Result:
    """The permanent code for a temporary one, once (`obtain-a-permanent-authorization-code`)."""
    suite = token_suite(call)
    text = _required(call, "tmp_auth_code", 41026)
    code = call.world.codes.get(text)
    if code is None or code.is_spent or code.suite_key != suite.suite_key:
        raise OldFamilyError(40078, "不存在的临时授权码")
    call.corp_id = code.corp_id
    grant = call.world.find_grant(suite_key=suite.suite_key, corp_id=code.corp_id)
    if grant is None:
        raise OldFamilyError(40078, "不存在的临时授权码")
    grants.spend_code(call.world, code)
    company = call.world.companies[grant.corp_id]
    return {
        "permanent_code": grant.permanent_code,
        "auth_corp_info": {"corpid": company.corp_id, "corp_name": company.name},
    }


def activate_suite(call: Call) -> Result:
    """End the wait of a company; a second time is accepted (`activate-suite`)."""
    suite = token_suite(call)
    if _required(call, "suite_key", 41021) != suite.suite_key:
        raise OldFamilyError(40083, "不合法的suite_key")
    grant = _grant_by_permanent_code(call, suite)
    grant.is_activated = True
    return {}


def get_auth_info(call: Call) -> Result:
    """What a company has authorised (`obtains-the-basic-information-of-an-enterprise`)."""
    grant, suite = _identified_grant(call, needs_permanent_code=False)
    company = call.world.companies[grant.corp_id]
    return {
        "auth_corp_info": auth_corp_info(company),
        "auth_user_info": {"userId": company.admin_userid},
        "auth_info": auth_info(grant, suite=suite, company=company),
        "channel_auth_info": {"channelAgent": []},
        "auth_market_info": {},
    }


def get_corp_token(call: Call) -> Result:
    """A new token of a company each time (`obtain-isvapp-token`)."""
    grant, _suite = _identified_grant(call, needs_permanent_code=True)
    token = issue_corp_token(call.world, grant)
    return {"access_token": token.text, "expires_in": call.world.options.token_lifetime_seconds}


def get_agent(call: Call) -> Result:
    """The app as it is installed at a company (`obtains-application-information-of-an-enterprise`)."""
    suite = token_suite(call)
    if call.query.text("signature"):
        check_signature(call, suite)
    if call.parameters.text("suite_key") not in ("", suite.suite_key):
        raise OldFamilyError(40083, "不合法的suite_key")
    grant = _authorised(call, suite, corp_id=_required(call, "auth_corpid", 41027))
    agent_id = call.parameters.whole("agentid")
    if agent_id is None:
        raise OldFamilyError(40056, "不合法的agentid")
    if agent_id != grant.agent_id or grant.app_state is AppState.REMOVED:
        raise OldFamilyError(70004, "企业下没有对应该agentid的微应用")
    return {
        "agentid": grant.agent_id,
        "name": suite.name,
        "logo_url": "",
        "description": suite.name,
        "close": _close(grant),
    }


def get_unactive_corp(call: Call) -> Result:
    """
    Companies that wait for activation.

    Source: `obtains-a-list-of-enterprises-whose-applications-are-not-activated`.
    """
    suite = token_suite(call)
    _check_app_id(call, suite)
    corp_ids = call.world.unactivated_corp_ids(suite.suite_key)
    return {"app_id": suite.app_id, "corp_list": corp_ids, "has_more": False}


def reauth_corp(call: Call) -> Result:
    """
    Push the grants of waiting companies again.

    Source: `re-authorize-enterprises-whose-applications-are-not-activated`.
    """
    suite = token_suite(call)
    _check_app_id(call, suite)
    corp_ids = call.parameters.texts("corpid_list")
    for corp_id in corp_ids:
        _authorised(call, suite, corp_id=corp_id)
    for corp_id in corp_ids:
        if call.reauthorizer is not None:
            call.reauthorizer.push_grant_again(suite=suite, corp_id=corp_id)
    return {}


def set_corp_ipwhitelist(call: Call) -> Result:
    """Replace a company's list of allowed addresses; kept and shown, not enforced (historic ISV guide)."""
    suite = token_suite(call)
    corp_id = _required(call, "auth_corpid", 400002)
    addresses = call.parameters.texts("ip_whitelist")
    if not all(_ADDRESS.fullmatch(address) for address in addresses):
        raise OldFamilyError(400002, "参数错误")
    _authorised(call, suite, corp_id=corp_id).ip_whitelist = addresses
    return {}


def issue_suite_token(world: World, suite: Suite) -> IssuedToken:
    """A new token of the suite itself; those before it stay good until their expiry."""
    return world.tokens.issue(
        kind=TokenKind.SUITE,
        suite_key=suite.suite_key,
        lifetime_seconds=world.options.token_lifetime_seconds,
    )


def issue_corp_token(world: World, grant: Grant) -> IssuedToken:
    """A new token of a company. Whether the one before it survives is not documented, so it is an option."""
    if not world.options.old_token_survives:
        world.tokens.end(corp_id=grant.corp_id, suite_key=grant.suite_key)
    return world.tokens.issue(
        kind=TokenKind.CORP,
        suite_key=grant.suite_key,
        corp_id=grant.corp_id,
        lifetime_seconds=world.options.token_lifetime_seconds,
    )


def _close(grant: Grant) -> int:
    if grant.app_state is AppState.STOPPED:
        return CLOSE_DISABLED
    return CLOSE_NORMAL if grant.is_activated else CLOSE_WAITING


def _identified_grant(call: Call, *, needs_permanent_code: bool) -> tuple[Grant, Suite]:
    """
    Suite and grant by a signature, or in the old form by suite access token and permanent code.

    Old clients leave the code out where no token is asked for; what they do send has to be right.
    """
    is_old_form = call.query.text("suite_access_token") and not call.query.text("signature")
    suite = token_suite(call) if is_old_form else signed_suite(call)
    if is_old_form and (needs_permanent_code or call.parameters.text("permanent_code")):
        return _grant_by_permanent_code(call, suite), suite
    corp_id = _required(call, "auth_corpid", 41027)
    if call.parameters.text("suite_key") not in ("", suite.suite_key):
        raise OldFamilyError(40083, "不合法的suite_key")
    return _authorised(call, suite, corp_id=corp_id), suite


def _grant_by_permanent_code(call: Call, suite: Suite) -> Grant:
    corp_id = call.corp_id = _required(call, "auth_corpid", 41027)
    text = call.parameters.text("permanent_code")
    owner = _owner_of_permanent_code(call.world, suite, text)
    if owner is None:
        raise OldFamilyError(40084, "不合法的永久授权码")
    if owner.corp_id != corp_id:
        raise OldFamilyError(41031, "auth_corpid和permanent_code不匹配")
    return owner


def _owner_of_permanent_code(world: World, suite: Suite, text: str) -> Grant | None:
    if not text:
        return None
    for grant in world.grants.values():
        if grant.suite_key == suite.suite_key and same_text(grant.permanent_code, text):
            return grant
    return None


def _authorised(call: Call, suite: Suite, *, corp_id: str) -> Grant:
    call.corp_id = corp_id
    grant = call.world.find_grant(suite_key=suite.suite_key, corp_id=corp_id)
    if grant is None:
        raise OldFamilyError(41030, "企业未对该套件授权")
    return grant


def _check_app_id(call: Call, suite: Suite) -> None:
    if call.parameters.text("app_id") and call.parameters.whole("app_id") != suite.app_id:
        raise OldFamilyError(40035, "不合法的参数")


def _required(call: Call, name: str, errcode: int) -> str:
    text = call.parameters.text(name)
    if not text:
        raise OldFamilyError(errcode, f"缺少{name}参数")
    return text
