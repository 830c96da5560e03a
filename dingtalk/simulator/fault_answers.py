"""What is answered where a fault keeps the call from being done: an error of either family, or no answer."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from dingtalk.simulator.answers import NewFamilyError, OldFamilyError
from dingtalk.simulator.cutting import CutConnection
from dingtalk.simulator.faults import FaultKind, FaultOrder
from dingtalk.simulator.limits import PER_SECOND, blocked_json, blocked_page

ENDLESS_BYTES = 2**30
_CHUNK_BYTES = 2**16
_DRIP_SECONDS = 1.0


def error_of(order: FaultOrder, *, is_new: bool) -> OldFamilyError | NewFamilyError | None:
    """Return the error that a fault answers with, None when it answers with no error of DingTalk's."""
    if order.kind is FaultKind.RATE_LIMIT:
        errcode, name = PER_SECOND
        return _error(name if is_new else errcode, is_new=is_new)
    if order.kind is FaultKind.ERRCODE:
        return _error(order.code, is_new=is_new, sub_code=order.sub_code)
    return None


def response_of(order: FaultOrder) -> Response:
    """Return the answer of a fault that speaks neither family."""
    match order.kind:
        case FaultKind.HTTP_500:
            return PlainTextResponse("Internal Server Error", status_code=500)
        case FaultKind.HTTP_502:
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status_code=502)
        case FaultKind.HTML:
            return HTMLResponse("<!doctype html><html><body>系统繁忙</body></html>")
        case FaultKind.EMPTY:
            return Response(status_code=200, media_type="application/json")
        case FaultKind.DRIP:
            return StreamingResponse(_drops(order.seconds), media_type="application/json")
        case FaultKind.ENDLESS:
            return StreamingResponse(_flood(), media_type="application/json")
        case FaultKind.IP_BAN:
            return blocked_json()
        case FaultKind.IP_BAN_PAGE:
            return blocked_page()
        case _:
            return CutConnection()


def _error(code: int | str, *, is_new: bool, sub_code: str = "") -> OldFamilyError | NewFamilyError:
    if is_new:
        status = 403 if str(code).startswith("Forbidden.") else 400
        return NewFamilyError(str(code), "模拟的错误", status=status)
    return OldFamilyError(
        int(code), "模拟的错误", sub_code=sub_code, sub_msg="模拟的错误" if sub_code else ""
    )


async def _drops(seconds: float) -> AsyncIterator[bytes]:
    """A byte a second that could still become an answer."""
    yield b"{"
    for _second in range(int(seconds)):
        await asyncio.sleep(_DRIP_SECONDS)
        yield b" "
    yield b"}"


async def _flood() -> AsyncIterator[bytes]:
    """More than anybody should read, as fast as it is read."""
    chunk = b" " * _CHUNK_BYTES
    for _chunk in range(ENDLESS_BYTES // _CHUNK_BYTES):
        yield chunk
        await asyncio.sleep(0)
