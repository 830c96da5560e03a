"""
Calls to DingTalk. Besides the simulator, nothing else in the project opens a socket to it.

Each method makes one call and returns what was asked for, or raises

- TransportError when there is no usable answer; `retryable` says that DingTalk cannot have acted, or that
  the call may be made again,
- an ApiError when DingTalk says no.

No call is repeated in here, apart from connecting: reconciling comes back anyway, with a memory.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from django.conf import settings
from django.core.signals import setting_changed

from dingtalk import answers, calls
from dingtalk.answers import IssuedToken, PermanentCode, SuiteIdentity, UnactiveCorps
from dingtalk.calls import Request
from dingtalk.http import Transport
from dingtalk.protocol.errors import ApiError, ProtocolError, TransportError
from dingtalk.protocol.grant import AuthScope, Grant
from dingtalk.protocol.signing import request_signature
from dingtalk.refusals import read_success

__all__ = [
    "DingTalkClient",
    "IssuedToken",
    "PermanentCode",
    "SuiteIdentity",
    "UnactiveCorps",
    "dingtalk_client",
]

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")


class DingTalkClient:
    """The server API, as far as we use it. One instance serves all threads of a process."""

    def __init__(
        self,
        *,
        oapi_base_url: str,
        api_base_url: str,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = Transport(
            oapi_base_url=oapi_base_url,
            api_base_url=api_base_url,
            connect_timeout_seconds=connect_timeout_seconds,
            read_timeout_seconds=read_timeout_seconds,
        )
        self._clock = clock

    def get_suite_access_token(self, identity: SuiteIdentity) -> IssuedToken:
        """Get the suite's own token. Source: obtain-application-suite-ticket."""
        body = {
            "suite_key": identity.suite_key,
            "suite_secret": identity.suite_secret,
            "suite_ticket": identity.suite_ticket,
        }
        request = Request(calls.GET_SUITE_TOKEN, body=body, suite_key=identity.suite_key)
        return self._ask(request, answers.token_reader("suite_access_token", "expires_in"))

    def get_permanent_code(self, *, suite_access_token: str, tmp_auth_code: str) -> PermanentCode:
        """
        Exchange a temporary code, which works once.

        A TransportError that is not `retryable` may have spent it.
        Source: obtain-a-permanent-authorization-code.
        """
        request = Request(
            calls.GET_PERMANENT_CODE,
            query={"suite_access_token": suite_access_token},
            body={"tmp_auth_code": tmp_auth_code},
        )
        return self._ask(request, answers.read_permanent_code)

    def get_auth_info(self, identity: SuiteIdentity, *, corp_id: str) -> Grant:
        """Get what a company has granted. Source: obtains-the-basic-information-of-an-enterprise."""
        request = Request(
            calls.GET_AUTH_INFO,
            query=self._signed_query(identity),
            body={"auth_corpid": corp_id, "suite_key": identity.suite_key},
            suite_key=identity.suite_key,
            corp_id=corp_id,
        )
        return self._ask(request, partial(answers.read_auth_info, corp_id=corp_id))

    def get_corp_token(self, identity: SuiteIdentity, *, corp_id: str) -> IssuedToken:
        """Get a new token of a company by a signed call. Source: obtain-isvapp-token."""
        request = Request(
            calls.GET_CORP_TOKEN,
            query=self._signed_query(identity),
            body={"auth_corpid": corp_id},
            suite_key=identity.suite_key,
            corp_id=corp_id,
        )
        return self._ask(request, answers.token_reader("access_token", "expires_in"))

    def get_corp_access_token(self, identity: SuiteIdentity, *, corp_id: str) -> IssuedToken:
        """
        Get a new token of a company by the v1.0 call.

        Source: obtain-the-access-token-of-the-authorized-enterprise-1.
        """
        body = {
            "suiteKey": identity.suite_key,
            "suiteSecret": identity.suite_secret,
            "authCorpId": corp_id,
            "suiteTicket": identity.suite_ticket,
        }
        request = Request(
            calls.GET_CORP_ACCESS_TOKEN, body=body, suite_key=identity.suite_key, corp_id=corp_id
        )
        return self._ask(request, answers.token_reader("accessToken", "expireIn"))

    def activate_suite(
        self, *, suite_access_token: str, suite_key: str, corp_id: str, permanent_code: str
    ) -> None:
        """Confirm a company's authorisation; a second time does no harm. Source: activate-suite."""
        request = Request(
            calls.ACTIVATE_SUITE,
            query={"suite_access_token": suite_access_token},
            body={"suite_key": suite_key, "auth_corpid": corp_id, "permanent_code": permanent_code},
            suite_key=suite_key,
            corp_id=corp_id,
        )
        self._ask(request, answers.read_nothing)

    def get_unactive_corps(self, *, suite_access_token: str, app_id: int | None = None) -> UnactiveCorps:
        """
        List companies that wait for activation; there is no way to ask for the rest of a cut list.

        Source: obtains-a-list-of-enterprises-whose-applications-are-not-activated.
        """
        request = Request(
            calls.GET_UNACTIVE_CORP,
            query={"suite_access_token": suite_access_token},
            body={} if app_id is None else {"app_id": app_id},
        )
        return self._ask(request, answers.read_unactive_corps)

    def reauth_corp(self, *, suite_access_token: str, app_id: int | None, corp_ids: Sequence[str]) -> None:
        """
        Have the grants of waiting companies pushed again. `app_id` is text here, a number above.

        Source: re-authorize-enterprises-whose-applications-are-not-activated.
        """
        app = {} if app_id is None else {"app_id": str(app_id)}
        request = Request(
            calls.REAUTH_CORP,
            query={"suite_access_token": suite_access_token},
            body={**app, "corpid_list": list(corp_ids)},
            corp_id=corp_ids[0] if len(corp_ids) == 1 else "",
        )
        self._ask(request, answers.read_nothing)

    def get_auth_scopes(self, *, corp_access_token: str) -> AuthScope:
        """Get whom the app may see. Source: obtain-corpsecret-authorization-scope."""
        request = Request(calls.GET_AUTH_SCOPES, query={"access_token": corp_access_token})
        return self._ask(request, answers.read_auth_scopes)

    def _signed_query(self, identity: SuiteIdentity) -> dict[str, str]:
        """Sign for this moment: DingTalk takes a signature for a minute, so none is kept."""
        timestamp_ms = int(self._clock() * 1000)
        return {
            "accessKey": identity.suite_key,
            "timestamp": str(timestamp_ms),
            "suiteTicket": identity.suite_ticket,
            "signature": request_signature(
                suite_secret=identity.suite_secret,
                suite_ticket=identity.suite_ticket,
                timestamp_ms=timestamp_ms,
            ),
        }

    def _ask(self, request: Request, read: Callable[[Mapping[str, Any]], AnswerT]) -> AnswerT:
        started = time.monotonic()
        outcome = self._outcome(request, read)
        if isinstance(outcome, ApiError | TransportError):
            _log_failure(request, outcome, elapsed_ms=round((time.monotonic() - started) * 1000))
            raise outcome
        return outcome

    def _outcome(
        self, request: Request, read: Callable[[Mapping[str, Any]], AnswerT]
    ) -> AnswerT | ApiError | TransportError:
        """The answer or the error, not yet raised: raised in here, it would carry others as its context."""
        raw = self._transport.exchange(request)
        if isinstance(raw, TransportError):
            return raw
        try:
            return read(read_success(request, raw))
        except ApiError as refusal:
            return refusal
        except ProtocolError as error:
            call = request.call
            return TransportError(call.endpoint, retryable=call.repeatable, reason=str(error))


def _log_failure(request: Request, error: ApiError | TransportError, *, elapsed_ms: int) -> None:
    fields: dict[str, Any] = {
        "endpoint": error.endpoint,
        "elapsed_ms": elapsed_ms,
        "suite_key": request.suite_key,
        "corp_id": request.corp_id,
    }
    if isinstance(error, ApiError):
        fields |= {"code": error.code, "sub_code": error.sub_code, "request_id": error.request_id}
    else:
        fields["reason"] = error.reason
    logger.warning("A call to DingTalk failed.", extra=fields)


@cache
def dingtalk_client() -> DingTalkClient:
    """Return the client of this process, made from the settings when first asked for."""
    return DingTalkClient(
        oapi_base_url=settings.DINGTALK_OAPI_BASE_URL,
        api_base_url=settings.DINGTALK_API_BASE_URL,
        connect_timeout_seconds=settings.DINGTALK_CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=settings.DINGTALK_READ_TIMEOUT_SECONDS,
    )


def _forget_client(*, setting: str, **_signal: Any) -> None:
    if setting.startswith("DINGTALK_"):
        dingtalk_client.cache_clear()


# Two processes on one connection would read each other's answers.
os.register_at_fork(after_in_child=dingtalk_client.cache_clear)
setting_changed.connect(_forget_client, dispatch_uid="dingtalk.client")
