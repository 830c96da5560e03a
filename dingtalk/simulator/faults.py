"""Misbehaviour on request: what the network or the platform does wrong, and how many times."""

import itertools
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

PUSH = "push"
EVERY_CALL = "*"
DEFAULT_SECONDS = 5.0


class FaultKind(StrEnum):
    """What goes wrong."""

    HANG = "hang"
    DELAY = "delay"
    HTTP_500 = "http_500"
    HTML = "html"
    RESET = "reset"
    ERRCODE = "errcode"
    RATE_LIMIT = "rate_limit"
    IP_BAN = "ip_ban"
    IP_BAN_PAGE = "ip_ban_page"
    DROP_ANSWER = "drop_answer"


PUSH_KINDS = frozenset({FaultKind.DELAY, FaultKind.RESET, FaultKind.DROP_ANSWER})


@dataclass(slots=True)
class Fault:
    """
    One order to misbehave.

    `endpoint`: a path of the server API, `*` for every call, or `push`. `remaining`: how many more times;
    None is until the faults are cleared. `seconds`: of a hang or delay. `code`: of an errcode fault, a
    number or text.
    """

    id: int
    endpoint: str
    kind: FaultKind
    seconds: float
    remaining: int | None
    code: int | str


class FaultBoard:
    """The standing orders, in the order they were given."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(
        self, *, endpoint: str, kind: FaultKind, seconds: float, count: int | None, code: int | str
    ) -> dict[str, Any]:
        """Take an order; it applies to the next `count` matching calls or pushes."""
        if endpoint == PUSH and kind not in PUSH_KINDS:
            raise ValueError(f"a push can only have: {', '.join(sorted(PUSH_KINDS))}")
        fault = Fault(next(self._ids), endpoint, kind, seconds, count, code)
        self._faults.append(fault)
        return asdict(fault)

    def clear(self) -> int:
        """Forget all orders; how many there were."""
        count = len(self._faults)
        self._faults.clear()
        return count

    def list(self) -> "list[dict[str, Any]]":
        """The standing orders."""
        return [asdict(fault) for fault in self._faults]

    def take(self, endpoint: str) -> Fault | None:
        """The first order that matches, counted down."""
        for fault in self._faults:
            if fault.endpoint == endpoint or (fault.endpoint == EVERY_CALL and endpoint != PUSH):
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.remaining is None:
            return
        fault.remaining -= 1
        if fault.remaining <= 0:
            self._faults.remove(fault)
