"""What comes into the control interface, checked."""

import json
from dataclasses import asdict, replace
from typing import Any

from starlette.requests import Request

from dingtalk.simulator.administrator import Deed
from dingtalk.simulator.endpoints import ENDPOINT_NAMES, is_new_family
from dingtalk.simulator.faults import DEFAULT_SECONDS, EVERY_CALL, PUSH, PUSH_KINDS, FaultKind, FaultOrder
from dingtalk.simulator.limits import BLOCK_ANSWERS, CallLimits
from dingtalk.simulator.world import ROOT_DEPARTMENT, Scope

LARGEST_LIMIT = 1_000_000
LARGEST_OFFSET_SECONDS = 10 * 365 * 86_400


class ControlError(Exception):
    """A request to the control interface is refused; the text says why."""

    status = 400


class BadRequest(ControlError):
    """The request makes no sense."""


class NotFound(ControlError):
    """It names what does not exist."""

    status = 404


class Conflict(ControlError):
    """It does not fit what is."""

    status = 409


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object."""
    text = await request.body()
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is a JSON object")
    return body


def read_number(body: dict[str, Any], name: str) -> int:
    """A whole number that is required, of a size that a clock or an id can have."""
    value = body.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_OFFSET_SECONDS:
        raise BadRequest(f"{name} is a whole number")
    return value


def read_limits(body: dict[str, Any], before: CallLimits) -> CallLimits:
    """How many calls are answered; what the body does not name stays as it was."""
    unknown = set(body) - set(asdict(before))
    if unknown:
        raise BadRequest(f"there is no limit {min(unknown)}")
    if body.get("block_answer", before.block_answer) not in BLOCK_ANSWERS:
        raise BadRequest(f"block_answer is one of: {', '.join(BLOCK_ANSWERS)}")
    for name, value in body.items():
        wanted = int if name not in ("address_seconds", "block_seconds") else int | float
        if name != "block_answer" and (
            isinstance(value, bool) or not isinstance(value, wanted) or not 0 <= value <= LARGEST_LIMIT
        ):
            raise BadRequest(f"{name} is a number from 0 to {LARGEST_LIMIT}")
    return replace(before, **body)


def read_deed(body: dict[str, Any]) -> Deed:
    """How an administrator's deed is to be done."""
    at_ms, deliveries = body.get("platform_time_ms"), body.get("deliveries")
    if at_ms is not None and not isinstance(at_ms, int):
        raise BadRequest("platform_time_ms is a whole number of milliseconds")
    if deliveries is not None and (not isinstance(deliveries, int) or not 0 <= deliveries <= 100):
        raise BadRequest("deliveries is a number from 0 to 100")
    return Deed(
        at_ms=at_ms,
        silent=bool(body.get("silent")),
        stale=bool(body.get("stale")),
        unsent=bool(body.get("unsent")),
        deliveries=deliveries,
        scope=_scope(body),
        different_codes=body.get("different_codes"),
    )


def read_fault(body: dict[str, Any]) -> FaultOrder:
    """An order to misbehave."""
    endpoint, kind = body.get("endpoint", EVERY_CALL), _fault_kind(body.get("kind"))
    if endpoint not in (EVERY_CALL, PUSH, *ENDPOINT_NAMES):
        raise BadRequest(f"endpoint is push, * or one of: {', '.join(sorted(ENDPOINT_NAMES))}")
    if endpoint == PUSH and kind not in PUSH_KINDS:
        raise BadRequest(f"a push can only have: {', '.join(sorted(PUSH_KINDS))}")
    seconds, count = body.get("seconds", DEFAULT_SECONDS), body.get("count", 1)
    if not _is_number(seconds) or not 0 <= seconds <= 3600:
        raise BadRequest("seconds is a number from 0 to 3600")
    if count is not None and (not isinstance(count, int) or count < 1):
        raise BadRequest("count is a number from 1, or null for until they are cleared")
    chance = body.get("chance", 1)
    if not _is_number(chance) or not 0 < chance <= 1:
        raise BadRequest("chance is a number above 0, and 1 at most")
    return FaultOrder(
        endpoint=endpoint,
        kind=kind,
        seconds=float(seconds),
        count=count,
        code=_fault_code(body, kind=kind, endpoint=endpoint),
        sub_code=str(body.get("sub_code", "")),
        chance=float(chance),
        seed=read_number(body, "seed") if "seed" in body else 0,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scope(body: dict[str, Any]) -> Scope | None:
    if "dept_ids" not in body and "user_ids" not in body:
        return None
    dept_ids, user_ids = body.get("dept_ids", [ROOT_DEPARTMENT]), body.get("user_ids", [])
    if not isinstance(dept_ids, list) or not isinstance(user_ids, list):
        raise BadRequest("dept_ids and user_ids are lists")
    if not all(isinstance(dept_id, int) for dept_id in dept_ids):
        raise BadRequest("dept_ids are numbers")
    return Scope(dept_ids=dept_ids, user_ids=[str(userid) for userid in user_ids])


def _fault_kind(value: Any) -> FaultKind:
    try:
        return FaultKind(value)
    except ValueError as error:
        raise BadRequest(f"kind is one of: {', '.join(FaultKind)}") from error


def _fault_code(body: dict[str, Any], *, kind: FaultKind, endpoint: str) -> int | str:
    """An errcode is a number in the old family and a text in the new one."""
    code = body.get("code", -1)
    if kind is not FaultKind.ERRCODE:
        return -1
    wanted = str if is_new_family(endpoint) else int
    if isinstance(code, bool) or not isinstance(code, wanted):
        raise BadRequest(f"the code of {endpoint} is a {'text' if wanted is str else 'number'}")
    return code
