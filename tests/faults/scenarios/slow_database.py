"""PostgreSQL that is slow, locked, full, silent, or cut off at the wrong moment: F15 to F18."""

import contextlib
import time
from collections.abc import Iterator

import psycopg

from tests.faults.checker import percentile
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World

PROXIED = ("postgresql",)
INBOX = "dingtalk_receivedpush"
# What cannot be stored must be refused before DingTalk stops listening.
REFUSED_P99_MS = 1100.0
RECOVERY_SECONDS = 30.0
# What a transaction ends with, and how the name of a prepared statement begins: the one that stores a push
# is a transaction of its own.
COMMIT, STORES = b"COMMIT", b"portal_"
_TAKING_SECONDS = 1.0


@scenario(
    "F15",
    "PostgreSQL is slow by 50 ms to 5 s, and its inbox is locked for ten seconds",
    events=2400,
    quick_events=600,
    proxied=PROXIED,
)
def slow_postgresql(world: World, run: Run) -> Outcome:
    """What is not stored in time is refused in time, and never acknowledged late."""
    delays = [0.05, 0.4, 5.0] if run.is_quick else [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 5.0]
    proxy = world.proxy("postgresql")
    with Traffic(world, run, rate=40) as traffic:
        for number in traffic.moments(len(delays), last=0.7):
            proxy.delay(delays[number])
            time.sleep(4.0)
            proxy.pass_on()
        with _locked(world, INBOX):
            time.sleep(3.0 if run.is_quick else 10.0)
    figures, problems = refused_in_time(traffic)
    return traffic.outcome(figures=figures, problems=problems)


@scenario(
    "F16",
    "All connections that PostgreSQL gives are taken by others",
    events=2400,
    quick_events=600,
    proxied=PROXIED,
)
def connections_used_up(world: World, run: Run) -> Outcome:
    """Who has a connection goes on, who needs one is refused; nothing is acknowledged for nothing."""
    # To take them all lasts some seconds.
    with Traffic(world, run, rate=30) as traffic:
        for _ in traffic.moments(1 if run.is_quick else 4, last=0.5 if run.is_quick else 0.8):
            with _all_connections(world):
                time.sleep(4.0)
    figures, problems = refused_in_time(traffic)
    if not figures["refused"]:
        problems.append("no push was refused: there was a connection for each")
    return traffic.outcome(figures=figures, problems=problems)


@scenario(
    "F17",
    "Connections to PostgreSQL stay open and carry nothing any more",
    events=2400,
    quick_events=600,
    proxied=PROXIED,
)
def half_open(world: World, run: Run) -> Outcome:
    """Pushes are refused in time, and everything goes on when the network does."""
    silent: list[float] = []
    proxy = world.proxy("postgresql")
    with Traffic(world, run, rate=40) as traffic:
        for _ in traffic.moments(1 if run.is_quick else 3, last=0.8):
            proxy.swallow()
            time.sleep(5.0)
            # The connections that were open are lost for good: the proxy has lost bytes of theirs.
            proxy.cut()
            proxy.pass_on()
            silent.append(time.time())
    figures, problems = refused_in_time(traffic)
    again = _longest_until_acknowledged(traffic, silent)
    if again > RECOVERY_SECONDS:
        problems.append(f"acknowledged again only after {again:.1f} s")
    return traffic.outcome(figures={**figures, "until acknowledged again in s": again}, problems=problems)


@scenario(
    "F18",
    "The connection to PostgreSQL is cut between a COMMIT and its answer",
    events=2400,
    quick_events=300,
    proxied=PROXIED,
)
def commit_unknown(world: World, run: Run) -> Outcome:
    """Whether it was stored is not known: so it comes again, and is known to be a copy if it was."""
    cuts, missed = (4, 0) if run.is_quick else (40, 0)
    proxy = world.proxy("postgresql")
    with Traffic(world, run) as traffic:
        for number in traffic.moments(cuts, last=0.9):
            proxy.cut_after_pattern(STORES if number % 2 else COMMIT)
            deadline = time.monotonic() + 5.0
            while proxy.cuts_left() and time.monotonic() < deadline:
                time.sleep(0.02)
            missed += proxy.cuts_left()
        proxy.pass_on()
    problems = [f"{missed} of {cuts} cuts met no statement"] if missed > cuts / 2 else []
    return traffic.outcome(figures={"cuts": cuts - missed}, problems=problems)


def refused_in_time(traffic: Traffic) -> tuple[dict[str, object], list[str]]:
    """Judge how soon a push that was not stored was refused; a refused connection is a refusal, too."""
    times = sorted(
        record["elapsed_ms"]
        for record in traffic.histories().pushed
        if record["what"] == "try" and record["answer"] not in ("success", "late")
    )
    if not times:
        return {"refused": 0}, []
    p99 = percentile(times, 0.99)
    problems = [f"refused only after {p99:.0f} ms (p99)"] if p99 > REFUSED_P99_MS else []
    return {"refused": len(times), "refused p99 ms": round(p99, 1), "refused max ms": times[-1]}, problems


def _longest_until_acknowledged(traffic: Traffic, ends: list[float]) -> float:
    moments = [
        record["at"]
        for record in traffic.histories().pushed
        if record["what"] == "try" and record["answer"] == "success"
    ]
    return round(max(min((at for at in moments if at > end), default=time.time()) - end for end in ends), 2)


@contextlib.contextmanager
def _locked(world: World, table: str) -> Iterator[None]:
    with world.postgresql.connect() as connection, connection.transaction():
        world.note(f"LOCK TABLE {table}")
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    world.note(f"{table} is free")


@contextlib.contextmanager
def _all_connections(world: World) -> Iterator[None]:
    """Take every connection that there is, those of the portal, too, as a user that has no reserved ones."""
    with world.postgresql.connect() as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'greedy'").fetchone():
            admin.execute("CREATE ROLE greedy LOGIN")
    with contextlib.ExitStack() as taken:
        world.note("connections are taken")
        _take_connections(world, taken, seconds=0)
        world.proxy("postgresql").cut()
        _take_connections(world, taken, seconds=_TAKING_SECONDS)
        yield
    world.note("connections are free")


def _take_connections(world: World, taken: contextlib.ExitStack, *, seconds: float) -> None:
    """Take connections until none is left; then go on for so long, should one become free."""
    url = world.postgresql.url.replace("postgres@", "greedy@")
    until = time.monotonic() + seconds
    while True:
        try:
            taken.enter_context(contextlib.closing(psycopg.connect(url, connect_timeout=2)))
        except psycopg.OperationalError:
            if time.monotonic() >= until:
                return
