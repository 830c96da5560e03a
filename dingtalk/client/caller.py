"""
How a call to DingTalk is made: let out by the gate, sent once, its answer judged, read, and a failure logged.

No call is repeated in here, apart from connecting: who wants an answer comes back later, with a memory.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dingtalk.client.answers import SuiteIdentity
from dingtalk.client.call import Request
from dingtalk.client.discipline import Admission, Gate, new_gate
from dingtalk.client.http import OversizedAnswer, Transport
from dingtalk.client.refusals import read_success
from dingtalk.protocol.errors import ApiError, ProtocolError, RateLimited, TransportError
from dingtalk.protocol.signing import request_signature

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")


class Caller:
    """What the groups of calls share. One instance serves all threads of a process."""

    def __init__(
        self,
        *,
        oapi_base_url: str,
        api_base_url: str,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        clock: Callable[[], float] = time.time,
        gate: Gate | None = None,
    ) -> None:
        self._transport = Transport(
            oapi_base_url=oapi_base_url,
            api_base_url=api_base_url,
            connect_timeout_seconds=connect_timeout_seconds,
            read_timeout_seconds=read_timeout_seconds,
        )
        self._clock = clock
        self.gate = gate or new_gate()

    def signed_query(self, identity: SuiteIdentity) -> dict[str, str]:
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

    def ask(self, request: Request, read: Callable[[Mapping[str, Any]], AnswerT]) -> AnswerT:
        """
        Make one call and return what `read` makes of an answer that says yes.

        Raises HeldBack when the call may not go out now, TransportError when there is no usable answer, an
        ApiError when DingTalk says no.
        """
        admission = self.gate.admit(request)
        started = time.monotonic()
        outcome = self._outcome(request, read, admission)
        if isinstance(outcome, ApiError | TransportError):
            _log_failure(admission, outcome, elapsed_ms=round((time.monotonic() - started) * 1000))
            raise outcome
        return outcome

    def _outcome(
        self, request: Request, read: Callable[[Mapping[str, Any]], AnswerT], admission: Admission
    ) -> AnswerT | ApiError | TransportError:
        """The answer or the error, not yet raised: raised in here, it would carry others as its context."""
        members = self._members(request)
        if isinstance(members, TransportError) and not isinstance(members, OversizedAnswer):
            self.gate.note_no_answer(admission)
            return members
        if isinstance(members, RateLimited):
            self.gate.note_limit(admission, members)
            return members
        self.gate.note_answer(admission)
        if isinstance(members, ApiError | TransportError):
            return members
        try:
            return read(members)
        except ApiError as refusal:
            return refusal
        except ProtocolError as error:
            return _unusable(request, error)

    def _members(self, request: Request) -> dict[str, Any] | ApiError | TransportError:
        raw = self._transport.exchange(request)
        if isinstance(raw, TransportError):
            return raw
        try:
            return read_success(request, raw)
        except ApiError as refusal:
            return refusal
        except ProtocolError as error:
            return _unusable(request, error)


def _unusable(request: Request, error: ProtocolError) -> TransportError:
    call = request.call
    return TransportError(call.endpoint, retryable=call.repeatable, reason=str(error))


def _log_failure(admission: Admission, error: ApiError | TransportError, *, elapsed_ms: int) -> None:
    fields: dict[str, Any] = {
        "endpoint": error.endpoint,
        "elapsed_ms": elapsed_ms,
        "suite_key": admission.party.suite_key,
        "corp_id": admission.party.corp_id,
    }
    if isinstance(error, ApiError):
        fields |= {"code": error.code, "sub_code": error.sub_code, "request_id": error.request_id}
    else:
        fields["reason"] = error.reason
    logger.warning("A call to DingTalk failed.", extra=fields)
