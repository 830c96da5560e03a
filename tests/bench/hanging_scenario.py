"""DingTalk hangs while callers want cold tokens: who wants a warm one, or pushes, must not notice."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urlsplit

import psycopg

from tests.bench.client import Load, run_load
from tests.bench.goals import Goal, Portal, corp_id_of, running_portal
from tests.bench.measurement import measurement_of
from tests.bench.pushes import PushMaker
from tests.bench.scenarios import Tell
from tests.journeys.processes import eventually
from tests.journeys.stack import SYNC_HTTP

HANGS_SECONDS = 2.0
WARM_COMPANIES = 5
CONNECTIONS = 8
PUSHES = 40
TURNS = 3
RUN_SECONDS = 2.0
ACTIVE_WITHIN_SECONDS = 120
WORST_RATIO = 2.0
# That of the stack's web servers, half of which may wait.
_WEB_THREADS = "8"
_ENVIRONMENT = {"API_REQUESTS_PER_MINUTE": str(10**9), "WEB_THREADS": _WEB_THREADS}


@dataclass
class ColdCallers:
    """What those who wanted a cold token were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    refused_without_retry_after: int = 0
    longest_seconds: float = 0.0


def measure_hanging(callers: int, tell: Tell) -> list[Goal]:
    """Measure with so many callers of cold tokens."""
    tell("starting PostgreSQL, Redis, the portal and the simulator")
    with running_portal(companies=WARM_COMPANIES + callers, environment=_ENVIRONMENT) as portal:
        for number in range(WARM_COMPANIES + callers):
            portal.stack.simulator.act(SYNC_HTTP, corp_id_of(number), "authorize", wait=False)
        _wait_until_all_are_active(portal, WARM_COMPANIES + callers)
        runs = {
            "warm token": lambda: _p99_ms(portal.stack.port, _warm_requests(portal)),
            "callback": lambda: _p99_ms(portal.stack.callback_port, _pushes(portal)),
        }
        for run in runs.values():
            run()
        return _compare(portal, runs, callers=callers, tell=tell)


def _compare(portal: Portal, runs: dict[str, Callable[[], float]], *, callers: int, tell: Tell) -> list[Goal]:
    quiet: dict[str, list[float]] = {name: [] for name in runs}
    loaded: dict[str, list[float]] = {name: [] for name in runs}
    cold = ColdCallers()
    for turn in range(1, TURNS + 1):
        tell(f"turn {turn} of {TURNS}: quiet")
        for name, run in runs.items():
            quiet[name].append(run())
        tell(f"turn {turn} of {TURNS}: DingTalk answers after {HANGS_SECONDS:.0f} s, {callers} callers")
        with _cold_callers(portal, callers, cold):
            for name, run in runs.items():
                loaded[name].append(run())
    return [*(_slower(name, quiet[name], loaded[name]) for name in runs), *_goals_of_refusals(cold)]


def _goals_of_refusals(cold: ColdCallers) -> list[Goal]:
    given, refused = cold.statuses[200], cold.statuses[503]
    without, others = cold.refused_without_retry_after, cold.statuses.total() - given - refused
    return [
        Goal("cold callers who got a token", str(given)),
        Goal("cold callers who were refused", str(refused), "> 0", refused > 0),
        Goal("… without Retry-After", str(without), "0", without == 0),
        Goal("other answers to cold callers", str(others), "0", others == 0),
        Goal("longest that one waited", f"{cold.longest_seconds:.1f} s", "≤ 8 s", cold.longest_seconds <= 8),
    ]


def _slower(name: str, quiet: list[float], loaded: list[float]) -> Goal:
    """Compare within each turn, whose runs lie seconds apart."""
    ratio = median(after / before for before, after in zip(quiet, loaded, strict=True))
    figure = f"{median(quiet):.1f} ms, then {median(loaded):.1f} ms: {ratio:.2f} ×"
    return Goal(
        f"{name} p99, quiet and while DingTalk hangs", figure, f"≤ {WORST_RATIO} ×", ratio <= WORST_RATIO
    )


def _p99_ms(port: int, requests: list[bytes]) -> float:
    load = Load(port, requests * 2, RUN_SECONDS, CONNECTIONS, repeats=True)
    p99_ms = measurement_of(run_load(load)).p99_ms
    assert p99_ms is not None
    return p99_ms


def _warm_requests(portal: Portal) -> list[bytes]:
    return [_token_request(portal, corp_id_of(number)) for number in range(WARM_COMPANIES)]


def _token_request(portal: Portal, corp_id: str) -> bytes:
    head = (
        f"GET {_path(corp_id)} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {portal.operator.keys[SYNC_HTTP]}",
    )
    return "\r\n".join([*head, "", ""]).encode()


def _path(corp_id: str) -> str:
    return f"/api/v1/tenants/{SYNC_HTTP}/{corp_id}/access-token"


def _pushes(portal: Portal) -> list[bytes]:
    """Some pushes that are sent again and again: what they set off is the workers' and over soon."""
    suite = portal.stack.simulator.suite(SYNC_HTTP)
    seed = {
        "callback_token": suite["token"],
        "encoding_aes_key": suite["encoding_aes_key"],
        "suite_key": SYNC_HTTP,
        "callback_path": urlsplit(suite["callback_url"]).path,
    }
    return PushMaker(seed).requests(PUSHES)


@contextmanager
def _cold_callers(portal: Portal, callers: int, cold: ColdCallers) -> Iterator[None]:
    """Let DingTalk hang, and as many callers want tokens that are over again as soon as they are there."""
    portal.stack.simulator.add_fault(endpoint="*", kind="delay", seconds=HANGS_SECONDS, count=None)
    is_over = threading.Event()
    corp_ids = [corp_id_of(WARM_COMPANIES + number) for number in range(callers)]
    threads = [
        threading.Thread(target=_want_tokens, args=(portal, corp_id, cold, is_over)) for corp_id in corp_ids
    ]
    threads.append(threading.Thread(target=_end_tokens, args=(portal, corp_ids, is_over)))
    for thread in threads:
        thread.start()
    try:
        # Until the first of them wait.
        time.sleep(0.5)
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        portal.stack.simulator.clear_faults()


def _want_tokens(portal: Portal, corp_id: str, cold: ColdCallers, is_over: threading.Event) -> None:
    key = portal.operator.keys[SYNC_HTTP]
    while not is_over.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", portal.stack.port, timeout=30)
        started = time.monotonic()
        connection.request("GET", _path(corp_id), headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        cold.longest_seconds = max(cold.longest_seconds, time.monotonic() - started)
        cold.statuses[answer.status] += 1
        retry_after = answer.getheader("Retry-After")
        if answer.status == 503:
            cold.refused_without_retry_after += retry_after is None
        is_over.wait(float(retry_after or 0.1))


def _end_tokens(portal: Portal, corp_ids: list[str], is_over: threading.Event) -> None:
    """Keep the companies' tokens cold."""
    with psycopg.connect(portal.database_url, autocommit=True) as database:
        while not is_over.is_set():
            database.execute(
                "UPDATE tenants_accesstoken SET expires_at = now() WHERE kind = 'corp_access_token' AND"
                " tenant_id IN (SELECT t.id FROM tenants_tenant t JOIN tenants_authcorp c ON c.id = t.corp_id"
                " WHERE c.corp_id = ANY(%s))",
                [corp_ids],
            )
            is_over.wait(0.1)


def _wait_until_all_are_active(portal: Portal, companies: int) -> None:
    with psycopg.connect(portal.database_url, autocommit=True) as database:
        eventually(
            lambda: (
                database.execute(
                    "SELECT count(*) = %s FROM tenants_tenant WHERE state = 'active'", [companies]
                ).fetchone()
                == (True,)
            ),
            within=ACTIVE_WITHIN_SECONDS,
            what="all companies are active",
        )
