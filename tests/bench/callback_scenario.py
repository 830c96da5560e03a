"""The callback endpoint, against a bare twin with the same crypto and INSERT, and against that INSERT."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from tests.bench.client import Load
from tests.bench.measurement import Measurement, Scenario, TooFewRequests, measure_in_turn
from tests.bench.pgbench import run_pgbench
from tests.bench.pushes import PushMaker
from tests.bench.scenarios import WARM_UP_CONNECTIONS, WARM_UP_SECONDS, Effort, Tell, run_checked
from tests.bench.servers import Stage, web_server
from tests.bench.tables import FLOOR_TABLE, PGBENCH_TABLE, PORTAL_TABLE, Tables

WARM_UP_PUSHES = 1_000
SPARE_PUSHES = 1.5


def measure_callback(stage: Stage, tables: Tables, effort: Effort, tell: Tell) -> list[Scenario]:
    """Measure the callback endpoint against the floor and against pgbench."""
    with ExitStack() as running:
        ports = {
            "portal": running.enter_context(web_server(stage, "portal", PORTAL_ROLE="callback")),
            "floor": running.enter_context(
                web_server(
                    stage,
                    "floor",
                    application="tests.bench.floor:application",
                    BENCH_SEED=json.dumps(stage.seed),
                )
            ),
        }
        bench = _CallbackBench(stage, tables, effort, ports)
        bench.warm_up(tell)
        return [bench.measure(connections, tell) for connections in effort.connections]


class _CallbackBench:
    """The variants of the callback scenario, once their servers run."""

    def __init__(self, stage: Stage, tables: Tables, effort: Effort, ports: dict[str, int]) -> None:
        self._stage, self._tables, self._effort, self._ports = stage, tables, effort, ports
        self._maker = PushMaker(stage.seed)
        self._requests: list[bytes] = []
        self._body_bytes = 0

    def warm_up(self, tell: Tell) -> None:
        """Open all connections to the database once, and prepare about as many pushes as will be needed."""
        tell("callback: warming up")
        few = self._maker.requests(WARM_UP_PUSHES)
        fastest = max(self._warm_up(port, few).rate for port in self._ports.values())
        self._body_bytes = self._tables.bytes_of_body(PORTAL_TABLE)
        tell("callback: signing pushes")
        self._requests = self._maker.requests(int(SPARE_PUSHES * fastest * (self._effort.seconds + 1)))

    def _warm_up(self, port: int, pushes: list[bytes]) -> Measurement:
        load = Load(port, pushes, WARM_UP_SECONDS, WARM_UP_CONNECTIONS, repeats=True)
        return run_checked(load, self._maker.is_acknowledged)[0]

    def measure(self, connections: int, tell: Tell) -> Scenario:
        """Measure all variants in turn at one number of connections."""
        variants: dict[str, Callable[[], Measurement]] = {
            "portal": partial(self._push, self._ports["portal"], PORTAL_TABLE, connections),
            "floor": partial(self._push, self._ports["floor"], FLOOR_TABLE, connections),
            "pgbench": partial(self._insert, connections),
        }
        return measure_in_turn(
            f"callback, {connections} connections",
            variants,
            subject="portal",
            turns=self._effort.turns,
            tell=tell,
        )

    def _push(self, port: int, table: str, connections: int) -> Measurement:
        self._tables.empty()
        load = Load(port, self._requests, self._effort.seconds, connections)
        try:
            measurement, acknowledged = run_checked(load, self._maker.is_acknowledged)
        except TooFewRequests:
            self._requests = self._maker.requests(2 * len(self._requests))
            return self._push(port, table, connections)
        self._tables.require_rows(table, acknowledged)
        return measurement

    def _insert(self, connections: int) -> Measurement:
        self._tables.empty()
        measurement, rows = run_pgbench(
            self._stage.folder,
            database_url=self._stage.database_url,
            suite_id=self._stage.seed["suite_id"],
            body_bytes=self._body_bytes,
            connections=connections,
            seconds=self._effort.seconds,
        )
        self._tables.require_rows(PGBENCH_TABLE, rows)
        return measurement
