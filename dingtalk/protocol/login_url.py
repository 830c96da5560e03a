"""
Addresses to which a browser is sent: to log in, or to have an administrator consent.

Sources: obtain-identity-credentials, tutorial-obtaining-user-personal-information, common-errors;
developerpedia get_app_only_token_browser.
"""

import re
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlencode, urlsplit

LOGIN_BASE_URL = "https://login.dingtalk.com"
CONSENT_BASE_URL = "https://account.dingtalk.com"
LONGEST_REDIRECT_URI = 2_000

# A backslash is a slash to some browsers; what is not ASCII reads as another host to some people.
_URL_CHARACTERS = re.compile(r"[!#-;=?-\[\]_a-z~]+", re.ASCII)


class LoginScope(StrEnum):
    """What a login is to tell: who the person is, or also in which company."""

    OPENID = "openid"
    OPENID_CORPID = "openid corpid"


class OrgType(StrEnum):
    """Which companies a person may choose from; without one, all of theirs."""

    MANAGEMENT = "management"


class UnusableLogin(ValueError):
    """The values do not go together, or cannot be one; `parameter` names the one that is wrong."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter


def login_url(
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    scope: LoginScope = LoginScope.OPENID_CORPID,
    org_type: OrgType | None = None,
    corp_id: str = "",
    exclusive_login: bool = False,
    exclusive_corp_id: str = "",
    base_url: str = LOGIN_BASE_URL,
) -> str:
    """
    Return the address of DingTalk's login page, with all ten parameters where they have a value.

    `client_id`: the suite key. `corp_id` preselects a company and `org_type` narrows the choice; both need
    the scope with `corpid`. `exclusive_corp_id` (a company with dedicated accounts) needs `exclusive_login`.
    The page sends the browser back with `authCode` (also as `code`) and `state`, or with `error` and `state`.
    Raises UnusableLogin.
    """
    check_redirect_uri(redirect_uri)
    _check_choice(scope, org_type=org_type, corp_id=corp_id)
    if exclusive_corp_id and not exclusive_login:
        raise UnusableLogin("exclusive_corp_id", "It is only for an exclusive login.")
    parameters = {
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "client_id": client_id,
        "scope": scope.value,
        "prompt": "consent",
        "state": state,
        "org_type": "" if org_type is None else org_type.value,
        "corpId": corp_id,
        "exclusiveLogin": "true" if exclusive_login else "",
        "exclusiveCorpId": exclusive_corp_id,
    }
    return f"{base_url.rstrip('/')}/oauth2/auth?{_query(parameters)}"


def admin_consent_url(
    *, corp_id: str, client_id: str, redirect_uri: str, state: str, base_url: str = CONSENT_BASE_URL
) -> str:
    """
    Return the address at which an administrator of a company consents to what a suite asks for.

    The page sends the browser back with `corp_id`, `admin_consent=True` and `state`, or with `error` and
    `error_description`: 400009 corp id, 500101 client id, 400010 redirect address, 500407 not an
    administrator, 500408 not a member, 70003 app not opened by the company. Raises UnusableLogin.
    """
    check_redirect_uri(redirect_uri)
    if not corp_id:
        raise UnusableLogin("corp_id", "A company is needed.")
    parameters = {"client_id": client_id, "redirect_uri": redirect_uri, "state": state}
    return f"{base_url.rstrip('/')}/{quote(corp_id, safe='')}/adminConsent?{_query(parameters)}"


def check_redirect_uri(text: str) -> None:
    """
    Raise UnusableLogin for what a browser must not be sent back to with a code.

    Good is an absolute https address without a fragment or user name, or an http one of this very machine.
    """
    url = _split(text)
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise UnusableLogin("redirect_uri", "It must begin with https://; http:// is for this machine only.")
    if url.scheme not in ("https", "http") or not url.hostname:
        raise UnusableLogin("redirect_uri", "It must be an absolute https:// address.")
    if "@" in url.netloc or "#" in text:
        raise UnusableLogin("redirect_uri", "It must have neither a user name nor a fragment.")


def _split(text: str) -> SplitResult:
    if len(text) > LONGEST_REDIRECT_URI or _URL_CHARACTERS.fullmatch(text) is None:
        raise UnusableLogin("redirect_uri", "It must be an absolute https:// address.")
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise UnusableLogin("redirect_uri", "It must be an absolute https:// address.") from None
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_choice(scope: LoginScope, *, org_type: OrgType | None, corp_id: str) -> None:
    if scope == LoginScope.OPENID_CORPID:
        return
    if org_type is not None:
        raise UnusableLogin("org_type", "It needs the scope 'openid corpid'.")
    if corp_id:
        raise UnusableLogin("corp_id", "It needs the scope 'openid corpid'.")


def _query(parameters: dict[str, str]) -> str:
    """Percent-encoded, a space as %20: DingTalk's page takes no plus sign for one."""
    return urlencode({name: value for name, value in parameters.items() if value}, safe="", quote_via=quote)
