"""The callback endpoint, against a bare twin with the same crypto and INSERT, and against that INSERT."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from tests.bench.client import Load
from tests.bench.measurement import Measurement, Scenario, TooFewRequests, measure_in_turn
from tests.bench.pgbench import run_pgbench
from tests.bench.pushes import PushMaker
from tests.bench.scenarios import WARM_UP_CONNECTIONS, WARM_UP_SECONDS, Effort, Tell, run_checked
from tests.bench.servers import WEB_THREADS, Stage, web_server
from tests.bench.tables import FLOOR_TABLE, PGBENCH_TABLE, PORTAL_TABLE, Tables

PORTAL, FLOOR, FLASK, NO_INSERT = "portal", "floor", "Flask + community SDK", "floor without INSERT"
# Where each variant stores its rows; the Flask application uses the floor's table.
TABLES = {PORTAL: PORTAL_TABLE, FLOOR: FLOOR_TABLE, FLASK: FLOOR_TABLE, NO_INSERT: None}
_FLOOR_APPLICATION = "tests.bench.floor:application"
WARM_UP_PUSHES = 1_000
SPARE_PUSHES = 1.5


def measure_callback(
    stage: Stage, tables: Tables, effort: Effort, tell: Tell, *, threads: int = WEB_THREADS
) -> list[Scenario]:
    """Measure the callback endpoint against the floor, an ordinary Flask application, and pgbench."""
    with running_callback(stage, tables, effort, threads=threads) as bench:
        bench.warm_up(tell)
        return [bench.measure(connections, tell) for connections in effort.connections]


@contextmanager
def running_callback(
    stage: Stage, tables: Tables, effort: Effort, *, threads: int = WEB_THREADS, rows: int = 1
) -> Iterator["CallbackBench"]:
    """Run the servers of all variants until the block ends; `rows`: how many a push has."""
    seed = json.dumps(stage.seed)
    with ExitStack() as running:

        def start(name: str, **how: str) -> int:
            return running.enter_context(web_server(stage, name, threads=threads, **how))

        ports = {
            PORTAL: start("portal", PORTAL_ROLE="callback"),
            FLOOR: start("floor", application=_FLOOR_APPLICATION, BENCH_SEED=seed),
        }
        if rows == 1:
            ports[FLASK] = start("flask", application="tests.bench.flask_app:application", BENCH_SEED=seed)
        else:
            ports[NO_INSERT] = start(
                "no-insert", application=_FLOOR_APPLICATION, BENCH_SEED=seed, BENCH_STORES="no"
            )
        yield CallbackBench(stage, tables, effort, ports, rows=rows)


class CallbackBench:
    """The variants of the callback scenario, once their servers run."""

    def __init__(
        self, stage: Stage, tables: Tables, effort: Effort, ports: dict[str, int], *, rows: int
    ) -> None:
        self._stage, self._tables, self._effort, self._ports = stage, tables, effort, ports
        self._maker, self._few = PushMaker(stage.seed, rows=rows), WARM_UP_PUSHES // rows
        self._rows = rows
        self._requests: list[bytes] = []
        self._body_bytes = 0

    def warm_up(self, tell: Tell) -> None:
        """Open all connections to the database once, and prepare about as many pushes as will be needed."""
        tell("callback: warming up")
        few = self._maker.requests(self._few)
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
            name: partial(self._push, port, TABLES[name], connections) for name, port in self._ports.items()
        }
        if self._rows == 1:
            # A larger body is more than a command line takes.
            variants["pgbench"] = partial(self._insert, connections)
        return measure_in_turn(
            f"callback, {connections} connections",
            variants,
            subject=PORTAL,
            turns=self._effort.turns,
            tell=tell,
        )

    def _push(self, port: int, table: str | None, connections: int) -> Measurement:
        self._tables.empty()
        load = Load(port, self._requests, self._effort.seconds, connections)
        try:
            measurement, acknowledged = run_checked(load, self._maker.is_acknowledged)
        except TooFewRequests:
            self._requests = self._maker.requests(2 * len(self._requests))
            return self._push(port, table, connections)
        if table is not None:
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
