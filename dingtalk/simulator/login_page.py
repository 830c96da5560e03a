"""
The page `login.dingtalk.com/oauth2/auth`, without a password: who you are is a matter of choice.

Everybody of every company is on it, also of companies that have not authorised the suite: whether they may
use it is for the ISV to find out. Source: `obtain-identity-credentials`.
"""

from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dingtalk.simulator.codes import CodeKind
from dingtalk.simulator.world import Company, Person, World

PATH = "/oauth2/auth"
SCOPES = ("openid", "openid corpid")
CHOICE = "_person"
CANCELLED = "_cancel"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}


class LoginPage:
    """The page and what a click on it does."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: Request) -> Response:
        """Show who may log in, or send the browser back as whoever was chosen."""
        query = dict(request.query_params)
        wrong = self._what_is_wrong(query)
        if wrong:
            return _page(f"<p>参数错误: {escape(wrong)}</p>", status=400)
        if CANCELLED in query:
            return _sent_back(query, error="access_denied")
        if CHOICE in query:
            return self._chosen(query)
        return _page(self._list(query))

    def _what_is_wrong(self, query: dict[str, str]) -> str:
        """The parameter that is wrong, or nothing: the browser is sent nowhere before all are right."""
        redirect_uri = query.get("redirect_uri", "")
        scope = query.get("scope")
        checks = {
            "redirect_uri": redirect_uri.startswith(("http://", "https://")) and _has_host(redirect_uri),
            "response_type": query.get("response_type") == "code",
            "client_id": query.get("client_id") in self._world.suites,
            "scope": scope in SCOPES,
            "prompt": query.get("prompt") == "consent",
            "org_type": query.get("org_type") in (None, "management"),
            "exclusiveCorpId": "exclusiveCorpId" not in query or query.get("exclusiveLogin") == "true",
        }
        return next((name for name, is_right in checks.items() if not is_right), "")

    def _people(self, query: dict[str, str]) -> list[tuple[Company, Person]]:
        only = query.get("exclusiveCorpId") or query.get("corpId")
        managers_only = query.get("org_type") == "management"
        return [
            (company, person)
            for company in self._world.companies.values()
            for person in company.people.values()
            if only in (None, "", company.corp_id) and (person.is_admin or not managers_only)
        ]

    def _list(self, query: dict[str, str]) -> str:
        lines = [
            f'<li><a href="{_link(query, **{CHOICE: _name_of(company, person)})}">'
            f"{escape(person.name)} · {escape(company.name)}</a></li>"
            for company, person in self._people(query)
        ]
        cancel = f'<p><a href="{_link(query, **{CANCELLED: "1"})}">取消</a></p>'
        suite = self._world.suites[query["client_id"]]
        return f"<h1>登录 {escape(suite.name)}</h1><ul>{''.join(lines)}</ul>{cancel}"

    def _chosen(self, query: dict[str, str]) -> Response:
        chosen = [pair for pair in self._people(query) if _name_of(*pair) == query[CHOICE]]
        if not chosen:
            return _sent_back(query, error="access_denied")
        company, person = chosen[0]
        code = self._world.login_codes.issue(
            CodeKind.WEB,
            suite_key=query["client_id"],
            corp_id=company.corp_id,
            userid=person.userid,
            tells_company=query["scope"] == "openid corpid",
        )
        return _sent_back(query, authCode=code.text, code=code.text)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _name_of(company: Company, person: Person) -> str:
    return f"{company.corp_id}/{person.userid}"


def _link(query: dict[str, str], **more: str) -> str:
    return escape(f"{PATH}?{urlencode({**query, **more})}", quote=True)


def _sent_back(query: dict[str, str], **answer: str) -> Response:
    """To the app, with the state exactly as it came."""
    state = {"state": query["state"]} if "state" in query else {}
    separator = "&" if urlsplit(query["redirect_uri"]).query else "?"
    url = f"{query['redirect_uri']}{separator}{urlencode({**answer, **state})}"
    return RedirectResponse(url, status_code=302, headers=_HEADERS)


def _page(content: str, *, status: int = 200) -> Response:
    page = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>登录</title>{content}</html>'
    return HTMLResponse(page, status_code=status, headers=_HEADERS)
