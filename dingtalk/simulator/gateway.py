"""
The server API as one ASGI endpoint: reads a call, lets a fault or a handler answer it, and records it.

The form of old clients, one path for every call, is read as today's and its answer wrapped (`top_router`).
Unknown paths answer as the platform does: errcode 22 below /topapi, errcode 404 elsewhere in the old family,
`InvalidAction.NotFound` in the new one.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dingtalk.simulator import answers, endpoints, fault_answers, invention, top_router
from dingtalk.simulator.answers import NewFamilyError, OldFamilyError, json_response
from dingtalk.simulator.bodies import Parameters, UnreadableBody, new_family_body, old_family_parameters
from dingtalk.simulator.calls import Call, CallLedger, Reauthorizer
from dingtalk.simulator.cutting import CutConnection
from dingtalk.simulator.faults import Fault, FaultBoard, FaultKind
from dingtalk.simulator.limits import CallCounter
from dingtalk.simulator.top_router import TopCall
from dingtalk.simulator.world import World

TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105


@dataclass(slots=True)
class _Outcome:
    """How a call ends: the response and what the ledger says of it."""

    response: Response
    code: int | str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Action:
    """What is called: HTTP method and path, which are today's where an old client asked by its own form."""

    method: str
    path: str
    top: TopCall | None = None

    @property
    def is_new(self) -> bool:
        return endpoints.is_new_family(self.path)


class Gateway:
    """Answers every path that is not the simulator's own."""

    def __init__(
        self,
        *,
        world: World,
        faults: FaultBoard,
        counter: CallCounter,
        ledger: CallLedger,
        reauthorizer: Reauthorizer,
        on_change: Callable[[], None],
    ) -> None:
        self._world = world
        self._faults = faults
        self._counter = counter
        self._ledger = ledger
        self._reauthorizer = reauthorizer
        self._on_change = on_change

    async def answer(self, request: Request) -> Response:
        """Answer one call and record it."""
        started = time.monotonic()
        body = await request.body()
        action = _action_of(request, body)
        name = endpoint_name(action.method, action.path)
        call = Call(
            world=self._world,
            query=Parameters(dict(request.query_params)),
            parameters=Parameters({}),
            header_token=request.headers.get(TOKEN_HEADER),
            base_url=str(request.base_url),
            reauthorizer=self._reauthorizer,
        )
        fault = self._faults.take(name)
        outcome = await self._outcome(request, action, call, body, fault)
        if action.top is not None:
            outcome.response = action.top.wrapped(outcome.response)
        if name in endpoints.CHANGING:
            self._on_change()
        self._ledger.add(
            at_ms=self._world.clock.now_ms(),
            method=request.method,
            endpoint=name,
            suite_key=call.suite_key,
            corp_id=call.corp_id,
            code=outcome.code,
            http_status=0 if isinstance(outcome.response, CutConnection) else outcome.response.status_code,
            request_id=outcome.request_id,
            elapsed_ms=round((time.monotonic() - started) * 1000, 1),
            fault=fault.kind.value if fault else "",
        )
        return outcome.response

    async def _outcome(
        self, request: Request, action: _Action, call: Call, body: bytes, fault: Fault | None
    ) -> _Outcome:
        blocked = self._counter.block(request.client.host if request.client else "")
        if blocked is not None:
            return _Outcome(blocked, FaultKind.IP_BAN.value)
        if fault is not None and fault.kind in (FaultKind.HANG, FaultKind.DELAY):
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind not in (FaultKind.DELAY, FaultKind.DROP_ANSWER):
            return _fault_outcome(fault, is_new=action.is_new)
        answer = self._new_family if action.is_new else self._old_family
        if action.path in endpoints.PUSHING_FIRST:
            # The receiver may be served by this very process.
            outcome = await asyncio.to_thread(answer, request, action, call, body)
        else:
            outcome = answer(request, action, call, body)
        if fault is not None and fault.kind is FaultKind.DROP_ANSWER:
            outcome.response = CutConnection()
        return outcome

    def _old_family(self, request: Request, action: _Action, call: Call, body: bytes) -> _Outcome:
        request_id = invention.request_id()
        try:
            handler = _old_handler(action)
            call.parameters = _old_parameters(request, body)
            if action.top is not None:
                call.query = call.parameters = action.top.parameters
            self._counter.check(call, action.path, is_new=False)
            content = answers.old_family_success(handler(call), request_id=request_id)
        except OldFamilyError as error:
            return _old_failure(error, request_id=request_id)
        return _Outcome(json_response(content), content["errcode"], request_id)

    def _new_family(self, request: Request, action: _Action, call: Call, body: bytes) -> _Outcome:
        request_id = invention.new_style_request_id()
        found = endpoints.find_new_family(action.method, action.path)
        if found is None:
            error = NewFamilyError("InvalidAction.NotFound", "指定的API不存在", status=404)
            return _new_failure(error, request_id=request_id)
        endpoint, values = found
        call.path_corp_id, call.path_union_id = values.get("corp_id", ""), values.get("union_id", "")
        try:
            if action.method == "POST" and (body or endpoint.name not in endpoints.WITHOUT_BODY):
                call.parameters = _new_body(request, body)
            self._counter.check(call, endpoint.name, is_new=True)
            return _Outcome(json_response(endpoint.handler(call)), "ok", request_id)
        except NewFamilyError as error:
            return _new_failure(error, request_id=request_id)


def endpoint_name(method: str, path: str) -> str:
    """The name of a call in ledger and faults: its path, with `{corpId}` and the like in place of a value."""
    found = endpoints.find_new_family(method, path)
    return found[0].name if found else path


def _action_of(request: Request, body: bytes) -> _Action:
    if request.scope["path"] != top_router.PATH or request.method not in ("GET", "POST"):
        return _Action(request.method, request.scope["path"])
    content_type = request.headers.get("content-type", "")
    top = top_router.read(request.query_params, body, content_type=content_type)
    return _Action(top.method, top.path, top)


def _old_handler(action: _Action) -> endpoints.Handler:
    endpoint = endpoints.OLD_FAMILY.get(action.path)
    if endpoint is None:
        raise _unknown_old_path(action.path)
    if action.method not in endpoint.methods:
        raise _wrong_method(endpoint.methods)
    return endpoint.handler


def _old_parameters(request: Request, body: bytes) -> Parameters:
    try:
        return old_family_parameters(
            request.query_params, body, content_type=request.headers.get("content-type", "")
        )
    except UnreadableBody as error:
        raise OldFamilyError(40035, "不合法的参数或请求体") from error


def _new_body(request: Request, body: bytes) -> Parameters:
    try:
        return new_family_body(body, content_type=request.headers.get("content-type", ""))
    except UnreadableBody as error:
        raise NewFamilyError("Missingbody", "请求体是必填的，且必须是JSON") from error


def _unknown_old_path(path: str) -> OldFamilyError:
    if path.startswith("/topapi/") or path == top_router.PATH:
        return OldFamilyError(
            22, "Invalid method", sub_code="isv.invalid-method", sub_msg="非法的method参数，请检查请求路径"
        )
    return OldFamilyError(404, "请求的URI地址不存在")


def _wrong_method(allowed: tuple[str, ...]) -> OldFamilyError:
    if allowed == ("GET",):
        return OldFamilyError(43001, "需要GET请求")
    return OldFamilyError(43002, "需要POST请求")


def _new_failure(error: NewFamilyError, *, request_id: str) -> _Outcome:
    content = answers.new_family_failure(error, request_id=request_id)
    return _Outcome(json_response(content, status=error.status), error.code, request_id)


def _fault_outcome(fault: Fault, *, is_new: bool) -> _Outcome:
    """The answer of a fault that keeps the handler from acting."""
    error = fault_answers.error_of(fault.order, is_new=is_new)
    if isinstance(error, NewFamilyError):
        return _new_failure(error, request_id=invention.new_style_request_id())
    if isinstance(error, OldFamilyError):
        return _old_failure(error, request_id=invention.request_id())
    return _Outcome(fault_answers.response_of(fault.order), fault.kind.value)


def _old_failure(error: OldFamilyError, *, request_id: str) -> _Outcome:
    content = answers.old_family_failure(error, request_id=request_id)
    return _Outcome(json_response(content), error.errcode, request_id)
