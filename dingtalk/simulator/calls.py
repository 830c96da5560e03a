"""One API call on its way through the simulator, and the ledger of those that were answered."""

import itertools
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from dingtalk.simulator.bodies import Parameters
from dingtalk.simulator.world import Suite, World

LEDGER_SIZE = 100_000


class Reauthorizer(Protocol):
    """Pushes a company's grant again."""

    def push_grant_again(self, *, suite: Suite, corp_id: str) -> None:
        """Push it, if the company has a grant."""


@dataclass(slots=True)
class Call:
    """
    What a handler is given.

    `parameters` are query and body in one (old family) or the JSON body (new family). Handlers note the
    suite and the company that they found, for the ledger.
    """

    world: World
    query: Parameters
    parameters: Parameters
    header_token: str | None = None
    base_url: str = ""
    path_corp_id: str = ""
    path_union_id: str = ""
    reauthorizer: Reauthorizer | None = None
    suite_key: str = ""
    corp_id: str = ""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One answered call. `code`: errcode, or the code of a v1.0 error, or what a fault did to it."""

    id: int
    at_ms: int
    method: str
    endpoint: str
    suite_key: str
    corp_id: str
    code: int | str
    http_status: int
    request_id: str
    elapsed_ms: float
    fault: str = ""


@dataclass(slots=True)
class CallLedger:
    """The last calls, oldest first."""

    _records: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=LEDGER_SIZE))
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def add(self, **values: Any) -> CallRecord:
        """Record a call under the next id."""
        record = CallRecord(id=next(self._ids), **values)
        self._records.append(record)
        return record

    def find(
        self, *, since_id: int = 0, endpoint: str = "", suite_key: str = "", corp_id: str = ""
    ) -> list[dict[str, Any]]:
        """Calls after an id that match every filter given."""
        return [
            asdict(record)
            for record in self._records
            if record.id > since_id
            and endpoint in ("", record.endpoint)
            and suite_key in ("", record.suite_key)
            and corp_id in ("", record.corp_id)
        ]
