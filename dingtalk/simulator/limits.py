"""
Too many calls: counted, refused and, for an address, blocked for a while.

Calls of an address are counted whatever they are; calls of an API for one company of one suite by the second
and by the minute, and those for tokens by the minute on their own. The platform publishes only the first
number; the others are those that other ISVs have noted. All by the simulator's clock.
Sources: `call-frequency-limit`, `how-to-process-api-throttling-on-the-dingtalk-server`
"""

import itertools
import uuid
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.responses import HTMLResponse, Response

from dingtalk.simulator.answers import NewFamilyError, OldFamilyError, json_response
from dingtalk.simulator.calls import Call
from dingtalk.simulator.clock import Clock

PER_SECOND = (90018, "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi")
PER_MINUTE = (90014, "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi")
TOKEN_ENDPOINTS = frozenset(
    {
        "/service/get_suite_token",
        "/service/get_corp_token",
        "/gettoken",
        "/v1.0/oauth2/suiteAccessToken",
        "/v1.0/oauth2/corpAccessToken",
        "/v1.0/oauth2/accessToken",
        "/v1.0/oauth2/{corpId}/token",
    }
)
BLOCK_ANSWERS = ("json", "page", "alternate")


@dataclass(slots=True)
class CallLimits:
    """
    How many calls are answered; 0 means that they are not counted.

    `address_calls` in `address_seconds`: of one address, which is then blocked for `block_seconds` and
    answered by JSON without an errcode, by an HTML page, or by one after the other. `per_second`,
    `per_minute`: of one API for one company of one suite. `tokens_per_minute`: of one way to a token for one
    company of one suite.
    """

    address_calls: int = 0
    address_seconds: float = 20.0
    block_seconds: float = 300.0
    block_answer: str = "alternate"
    per_second: int = 0
    per_minute: int = 0
    tokens_per_minute: int = 0

    @classmethod
    def of_the_platform(cls) -> "CallLimits":
        """The numbers that are published, or that ISVs have noted."""
        return cls(address_calls=10_000, per_second=40, per_minute=1_000, tokens_per_minute=60)


@dataclass(slots=True)
class CallCounter:
    """Counts calls against the limits, which may be changed at any time."""

    clock: Clock
    limits: CallLimits = field(default_factory=CallLimits)
    refused: int = 0
    _times: dict[tuple[str, ...], deque[int]] = field(default_factory=dict)
    _blocked_until_ms: dict[str, int] = field(default_factory=dict)
    _pages: "itertools.cycle[bool]" = field(default_factory=lambda: itertools.cycle((False, True)))

    def block(self, address: str) -> Response | None:
        """Count a call of an address; what it is answered when the address is blocked, or is from now on."""
        limits, now_ms = self.limits, self.clock.now_ms()
        if now_ms >= self._blocked_until_ms.get(address, 0):
            if self._has_room(("address", address), limits.address_calls, limits.address_seconds):
                return None
            self._blocked_until_ms[address] = now_ms + int(limits.block_seconds * 1000)
        self.refused += 1
        is_page = next(self._pages) if limits.block_answer == "alternate" else limits.block_answer == "page"
        return blocked_page() if is_page else blocked_json()

    def check(self, call: Call, endpoint: str, *, is_new: bool) -> None:
        """Count an identified call before it acts; raises the error of its family when it is too many."""
        limits = self.limits
        suite_key, corp_id = caller_of(call)
        if not suite_key:
            return
        name = (suite_key, corp_id, endpoint)
        if not self._has_room(("second", *name), limits.per_second, 1):
            self._refuse(PER_SECOND, is_new=is_new)
        per_minute = limits.tokens_per_minute if endpoint in TOKEN_ENDPOINTS else limits.per_minute
        if not self._has_room(("minute", *name), per_minute, 60):
            self._refuse(PER_MINUTE, is_new=is_new)

    def forget(self) -> None:
        """Begin to count anew; no address is blocked any more."""
        self._times.clear()
        self._blocked_until_ms.clear()

    def describe(self) -> dict[str, Any]:
        """The limits, who is blocked for how long, and how many calls were refused."""
        now_ms = self.clock.now_ms()
        blocked = {
            address: (until_ms - now_ms) / 1000
            for address, until_ms in self._blocked_until_ms.items()
            if until_ms > now_ms
        }
        return {**asdict(self.limits), "blocked": blocked, "refused": self.refused}

    def _has_room(self, name: tuple[str, ...], limit: int, seconds: float) -> bool:
        if not limit:
            return True
        times, now_ms = self._times.setdefault(name, deque()), self.clock.now_ms()
        while times and times[0] <= now_ms - seconds * 1000:
            times.popleft()
        if len(times) >= limit:
            return False
        times.append(now_ms)
        return True

    def _refuse(self, codes: tuple[int, str], *, is_new: bool) -> None:
        self.refused += 1
        errcode, code = codes
        if is_new:
            raise NewFamilyError(code, "调用频率超过限制", status=403)
        raise OldFamilyError(errcode, "您的服务器调用钉钉开放平台接口的频率超过限制，请稍后再试")


def caller_of(call: Call) -> tuple[str, str]:
    """Suite and company that a call is made for, told by its token or by what it sends; empty if unknown."""
    parameters = call.parameters
    corp_id = call.path_corp_id or parameters.text("auth_corpid") or parameters.text("authCorpId")
    tokens = (call.header_token, parameters.text("access_token"), call.query.text("suite_access_token"))
    for text in filter(None, tokens):
        token = call.world.tokens.look_up(text)
        if token is not None:
            return token.suite_key, token.corp_id or corp_id
    named = (
        call.query.text("accessKey"),
        *(parameters.text(name) for name in ("suite_key", "suiteKey", "client_id")),
    )
    return next((name for name in named if name in call.world.suites), ""), corp_id


def blocked_json() -> Response:
    """The answer to a blocked address without an errcode; `wait` is in minutes."""
    body = {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": uuid.uuid4().hex}
    return json_response(body)


def blocked_page() -> Response:
    """The answer to a blocked address as a page."""
    return HTMLResponse(
        "<!doctype html><html><head><title>denied</title></head>"
        "<body><h1>访问被拒绝</h1><p>Access denied: too many requests from your address.</p></body></html>"
    )
