"""Misbehaviour on request: what the network or the platform does wrong, how many times or how often."""

import itertools
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

PUSH = "push"
EVERY_CALL = "*"
DEFAULT_SECONDS = 5.0


class FaultKind(StrEnum):
    """What goes wrong."""

    HANG = "hang"
    DELAY = "delay"
    HTTP_500 = "http_500"
    HTTP_502 = "http_502"
    HTML = "html"
    EMPTY = "empty"
    DRIP = "drip"
    ENDLESS = "endless"
    RESET = "reset"
    ERRCODE = "errcode"
    RATE_LIMIT = "rate_limit"
    IP_BAN = "ip_ban"
    IP_BAN_PAGE = "ip_ban_page"
    DROP_ANSWER = "drop_answer"


PUSH_KINDS = frozenset({FaultKind.DELAY, FaultKind.RESET, FaultKind.DROP_ANSWER})


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """
    What is to go wrong.

    `endpoint`: a path of the server API, `*` for every call, or `push`. `count`: how many times; None is
    until the faults are cleared. `seconds`: of a hang, delay or drip. `code`, `sub_code`: of an errcode
    fault, a number or text, and the text that decides under 88. `chance`: the part of the matching calls
    that it meets, 0 to 1, drawn from `seed`.
    """

    endpoint: str
    kind: FaultKind
    seconds: float = DEFAULT_SECONDS
    count: int | None = 1
    code: int | str = -1
    sub_code: str = ""
    chance: float = 1.0
    seed: int = 0


@dataclass(slots=True)
class Fault:
    """One standing order, and how many more times it applies."""

    id: int
    order: FaultOrder
    remaining: int | None
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.order.seed)  # noqa: S311 - draws who is hit, guards nothing

    @property
    def kind(self) -> FaultKind:
        """What goes wrong."""
        return self.order.kind

    @property
    def seconds(self) -> float:
        """For how long."""
        return self.order.seconds

    def meets(self, endpoint: str) -> bool:
        """Draw whether this call or push is one that it is about."""
        is_about = self.order.endpoint == endpoint or (self.order.endpoint == EVERY_CALL and endpoint != PUSH)
        return is_about and (self.order.chance >= 1 or self._random.random() < self.order.chance)

    def describe(self) -> dict[str, Any]:
        """The order as JSON; `remaining` in place of its count."""
        order = asdict(self.order)
        del order["count"]
        return {"id": self.id, **order, "remaining": self.remaining}


class FaultBoard:
    """The standing orders, in the order they were given."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, order: FaultOrder) -> dict[str, Any]:
        """Take an order; it applies to the next `count` calls or pushes that it meets."""
        if order.endpoint == PUSH and order.kind not in PUSH_KINDS:
            raise ValueError(f"a push can only have: {', '.join(sorted(PUSH_KINDS))}")
        fault = Fault(next(self._ids), order, order.count)
        self._faults.append(fault)
        return fault.describe()

    def clear(self) -> int:
        """Forget all orders; how many there were."""
        count = len(self._faults)
        self._faults.clear()
        return count

    def list(self) -> "list[dict[str, Any]]":
        """The standing orders."""
        return [fault.describe() for fault in self._faults]

    def take(self, endpoint: str) -> Fault | None:
        """The first order that meets this call or push, counted down."""
        for fault in self._faults:
            if fault.meets(endpoint):
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.remaining is None:
            return
        fault.remaining -= 1
        if fault.remaining <= 0:
            self._faults.remove(fault)
