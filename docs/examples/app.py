"""
An app of an ISV: people log in with DingTalk and send themselves a work notification.

    python docs/examples/app.py http://127.0.0.1:8000 SUITE_KEY

asks for an API key; then open http://127.0.0.1:8300/. `make demo` prints a portal's address, a key with the
scopes that are needed, and a suite key; its simulator shows a login page on which you choose who you are.

Sessions are kept in memory, and there is one process: enough to show the calls, not a way to build an app.
"""

import getpass
import hmac
import secrets
import sys
from html import escape
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from portal_client import Person, Portal, PortalError

HOST, PORT = "127.0.0.1", 8300
ARGUMENTS = 3
COOKIE = "app_session"
LONGEST_FORM_BYTES = 10_000
STYLE = "body{font:16px/1.6 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}"


class App(ThreadingHTTPServer):
    """The app's server: the portal, and who is logged in, by session."""

    daemon_threads = True

    def __init__(self, *, portal: Portal, port: int = PORT) -> None:
        super().__init__((HOST, port), Pages)
        self.portal = portal
        self.people: dict[str, Person] = {}
        self.states: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.server_address[1]}"


class Pages(BaseHTTPRequestHandler):
    """What the app's pages do."""

    server: App

    def do_GET(self) -> None:
        """Show a page, or come back from DingTalk's login page."""
        path = urlsplit(self.path).path
        if path == "/":
            self._home()
        elif path == "/login":
            self._go_to_dingtalk()
        elif path == "/back":
            self._come_back()
        else:
            self._page("<h1>There is no such page.</h1>", status=404)

    def do_POST(self) -> None:
        """Send the person who is logged in a message."""
        person = self.server.people.get(self._session())
        length = self.headers.get("Content-Length", "")
        if person is None or person.user_id is None or self.path != "/send":
            return self._redirect("/")
        if not length.isdigit() or int(length) > LONGEST_FORM_BYTES:
            return self._page("<h1>That is too long.</h1>", status=413)
        form = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        text = (form.get("text") or [""])[0].strip()[:500]
        if not _same(form.get("token"), self._session()) or not text:
            return self._redirect("/")
        try:
            sent = self.server.portal.send_text(person.corp_id, user_ids=[person.user_id], text=text)
        except PortalError as error:
            return self._page(f"<h1>Not sent</h1><p>{escape(str(error))}</p>", status=502)
        return self._page(f'<h1>Sent</h1><p>Notification {escape(sent.id)}.</p><p><a href="/">Back</a></p>')

    def _home(self) -> None:
        person = self.server.people.get(self._session())
        if person is None:
            self._page('<h1>An app of an ISV</h1><p><a href="/login">Log in with DingTalk</a></p>')
            return
        self._page(
            f"<h1>Hello, {escape(person.name)}</h1><p>Company {escape(person.corp_id)}</p>"
            f'<form method="post" action="/send"><input type="hidden" name="token" value="{self._session()}">'
            '<label>Send yourself a message: <input name="text" maxlength="500" required></label> '
            "<button>Send</button></form>"
        )

    def _go_to_dingtalk(self) -> None:
        """Have the state in this browser's session, so that nobody can log it in as somebody else."""
        address = self.server.portal.login_address(redirect_uri=f"{self.server.url}/back")
        session = secrets.token_urlsafe(32)
        self.server.states[session] = address.state
        self._redirect(address.url, session=session)

    def _come_back(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        code = (query.get("authCode") or query.get("code") or [""])[0]
        expected = self.server.states.pop(self._session(), None)
        if expected is None or not code or not _same(query.get("state"), expected):
            return self._page("<h1>This login was not begun here.</h1>", status=400)
        try:
            person = self.server.portal.complete_login(code=code, state=expected)
        except PortalError as error:
            return self._page(f"<h1>Not logged in</h1><p>{escape(str(error))}</p>", status=403)
        session = secrets.token_urlsafe(32)
        self.server.people[session] = person
        return self._redirect("/", session=session)

    def _session(self) -> str:
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def _redirect(self, url: str, *, session: str | None = None) -> None:
        self.send_response(303)
        self.send_header("Location", url)
        if session is not None:
            self.send_header("Set-Cookie", f"{COOKIE}={session}; HttpOnly; SameSite=Lax; Path=/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, body: str, *, status: int = 200) -> None:
        page = f"<!doctype html><meta charset=utf-8><title>Example app</title><style>{STYLE}</style>{body}"
        content = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Say nothing: the path of a login has a code in it."""


def _same(given: list[str] | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(given[0].encode(), expected.encode())


def main() -> None:
    """Serve until Ctrl-C."""
    if len(sys.argv) != ARGUMENTS:
        raise SystemExit("Give the portal's address and the suite key; see the top of this file.")
    key = getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline()
    portal = Portal(sys.argv[1], key.strip(), suite_key=sys.argv[2])
    app = App(portal=portal)
    sys.stdout.write(f"Open {app.url}/\n")
    try:
        app.serve_forever()
    except KeyboardInterrupt:
        app.server_close()


if __name__ == "__main__":
    main()
