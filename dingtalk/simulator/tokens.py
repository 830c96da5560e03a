"""Access tokens that the simulator has issued, and whether they are still good."""

from dataclasses import dataclass, field
from enum import StrEnum

from dingtalk.simulator import invention
from dingtalk.simulator.clock import Clock

JSAPI_TICKET_DAY_MS = 24 * 60 * 60 * 1000


class TokenKind(StrEnum):
    """Whom a token speaks for."""

    SUITE = "suite"
    CORP = "corp"
    USER = "user"
    SSO = "sso"


@dataclass(slots=True)
class IssuedToken:
    """One token; `corp_id` is empty for one of the suite itself, `userid` for one that is no person's."""

    text: str = field(repr=False)
    kind: TokenKind
    suite_key: str
    corp_id: str
    expires_at_ms: int
    userid: str = ""


@dataclass(slots=True)
class JsapiTicket:
    """What a company's pages are signed with; it is prolonged, but not beyond a day after it was made."""

    text: str = field(repr=False)
    made_at_ms: int
    expires_at_ms: int

    def is_good(self, now_ms: int) -> bool:
        """Whether it was asked for within two hours, and made within a day."""
        return now_ms < min(self.expires_at_ms, self.made_at_ms + JSAPI_TICKET_DAY_MS)


class TokenStore:
    """All tokens by their text. A token that was ended early is forgotten, so it reads as unknown."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, IssuedToken] = {}

    def issue(
        self,
        *,
        kind: TokenKind,
        suite_key: str,
        corp_id: str = "",
        userid: str = "",
        lifetime_seconds: float,
    ) -> IssuedToken:
        """Make a token that nobody has seen before."""
        expires_at_ms = self._clock.now_ms() + int(lifetime_seconds * 1000)
        token = IssuedToken(invention.lower(32), kind, suite_key, corp_id, expires_at_ms, userid)
        self._tokens[token.text] = token
        return token

    def look_up(self, text: str) -> IssuedToken | None:
        """A token of whatever kind, also an expired one."""
        return self._tokens.get(text)

    def prolong(self, token: IssuedToken, *, lifetime_seconds: float) -> None:
        """Let a token be good for its whole lifetime again."""
        token.expires_at_ms = self._clock.now_ms() + int(lifetime_seconds * 1000)

    def find(self, text: str, *, kind: TokenKind) -> IssuedToken | None:
        """A token of this kind, also an expired one."""
        token = self._tokens.get(text)
        return token if token is not None and token.kind is kind else None

    def is_expired(self, token: IssuedToken) -> bool:
        """Whether its lifetime is over."""
        return self._clock.now_ms() >= token.expires_at_ms

    def end(self, *, corp_id: str, suite_key: str | None = None) -> int:
        """Forget a company's tokens, of one suite or of all; how many there were."""
        doomed = [
            text
            for text, token in self._tokens.items()
            if token.corp_id == corp_id and suite_key in (None, token.suite_key)
        ]
        for text in doomed:
            del self._tokens[text]
        return len(doomed)

    def expire(self, *, corp_id: str | None, suite_key: str | None) -> int:
        """Let tokens reach their expiry now: a company's, a suite's own, or all; how many were changed."""
        now_ms = self._clock.now_ms()
        reached = [
            token
            for token in self._tokens.values()
            if corp_id in (None, token.corp_id) and suite_key in (None, token.suite_key)
        ]
        for token in reached:
            token.expires_at_ms = min(token.expires_at_ms, now_ms)
        return len(reached)
