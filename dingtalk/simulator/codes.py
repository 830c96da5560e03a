"""One-time codes by which a person's client proves who the person is, and refresh tokens."""

from dataclasses import dataclass, field
from enum import StrEnum

from dingtalk.simulator import invention
from dingtalk.simulator.clock import Clock

CODE_SECONDS = 5 * 60
REFRESH_SECONDS = 30 * 24 * 60 * 60


class CodeKind(StrEnum):
    """Where a code comes from; it is good for the calls of that place only."""

    IN_APP = "in_app"
    WEB = "web"
    SSO = "sso"


@dataclass(slots=True)
class LoginCode:
    """A code for one person in one company. `tells_company`: whether the login was to tell which."""

    text: str = field(repr=False)
    kind: CodeKind
    suite_key: str
    corp_id: str
    userid: str
    expires_at_ms: int
    tells_company: bool = True


@dataclass(slots=True)
class RefreshToken:
    """What a new user token is had for; good once, for the answer has the next one."""

    text: str = field(repr=False)
    suite_key: str
    corp_id: str
    userid: str
    expires_at_ms: int
    tells_company: bool


class CodeStore:
    """Codes and refresh tokens that have not been used; a used one reads as unknown."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, LoginCode] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}

    def issue(
        self, kind: CodeKind, *, suite_key: str, corp_id: str, userid: str, tells_company: bool = True
    ) -> LoginCode:
        """Make a code."""
        expires_at_ms = self._clock.now_ms() + CODE_SECONDS * 1000
        code = LoginCode(invention.lower(32), kind, suite_key, corp_id, userid, expires_at_ms, tells_company)
        self._codes[code.text] = code
        return code

    def find(self, text: str, *, kind: CodeKind) -> LoginCode | None:
        """A code of this kind that is still good."""
        code = self._codes.get(text)
        is_good = code is not None and code.kind is kind and self._clock.now_ms() < code.expires_at_ms
        return code if is_good else None

    def spend(self, code: LoginCode) -> None:
        """Use a code up."""
        self._codes.pop(code.text, None)

    def issue_refresh_token(
        self, *, suite_key: str, corp_id: str, userid: str, tells_company: bool
    ) -> RefreshToken:
        """Make a refresh token."""
        expires_at_ms = self._clock.now_ms() + REFRESH_SECONDS * 1000
        token = RefreshToken(invention.lower(32), suite_key, corp_id, userid, expires_at_ms, tells_company)
        self._refresh_tokens[token.text] = token
        return token

    def take_refresh_token(self, text: str, *, suite_key: str) -> RefreshToken | None:
        """Use a refresh token of a suite up; None for one that is not good."""
        token = self._refresh_tokens.get(text)
        if token is None or token.suite_key != suite_key:
            return None
        del self._refresh_tokens[text]
        return token if self._clock.now_ms() < token.expires_at_ms else None
