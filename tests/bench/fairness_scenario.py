"""One company has ten thousand events waiting, or as many pushes: how long another waits for its first."""

import time
from collections.abc import Callable

import psycopg

from tests.bench.goals import FIVE_MORE, Goal, Portal, memory_goals, running_portal
from tests.bench.measurement import InvalidRun
from tests.bench.scenarios import Tell
from tests.journeys.stack import LEGACY, SYNC_HTTP

BUSY = FIVE_MORE[0]
OTHERS = {SYNC_HTTP: FIVE_MORE[1:3], LEGACY: FIVE_MORE[3:5]}
DRAINED_WITHIN_SECONDS = 600
# Pushes as the callback stores them; `each` is how many rows a push has.
_STORE = """
import hashlib, json
from django.utils import timezone
from dingtalk.foundation.ids import new_id
from dingtalk.models import ReceivedPush, Suite
suite, now = Suite.objects.get(suite_key={suite_key!r}), timezone.now()
def row(number):
    return {{"id": str(number), "gmt_create": 1700000000000 + number, "gmt_modified": 1700000000000 + number,
             "biz_type": 13, "open_cursor": 0, "subscribe_id": suite.suite_key + "_0", "corp_id": {corp_id!r},
             "biz_id": "person%d" % number, "biz_data": json.dumps({{"syncAction": "user_modify_org"}}),
             "status": 0}}
def push(first):
    body = json.dumps({{"eventType": "SYNC_HTTP_PUSH_MEDIUM",
                        "bizData": [row(number) for number in range(first, first + {each})]}}).encode()
    return ReceivedPush(id=new_id(), suite=suite, digest=hashlib.sha256(body).hexdigest(), received_at=now,
                        body=body)
ReceivedPush.objects.bulk_create([push(first) for first in range({first}, {first} + {events}, {each})],
                                 batch_size=500)
"""


def measure_fairness(events: int, tell: Tell) -> list[Goal]:
    """Measure with so many events of the busy company."""
    tell("starting PostgreSQL, Redis, the portal and the simulator")
    with running_portal(companies=0) as portal:
        memory = portal.memory_mb()
        return fairness_goals(portal, events=events, tell=tell) + memory_goals(portal, memory)


def fairness_goals(portal: Portal, *, events: int, tell: Tell) -> list[Goal]:
    """Let the busy company have events in few pushes, then in as many pushes, and others come behind it."""
    goals: list[Goal] = []
    with psycopg.connect(portal.database_url, autocommit=True) as database:
        for number, (what, each) in enumerate((("events in pushes of 100", 100), ("pushes of one event", 1))):
            tell(f"{events} {what} of one company")
            code = _STORE.format(
                suite_key=SYNC_HTTP, corp_id=BUSY, each=each, events=events, first=number * 10_000_000
            )
            portal.stack.python(code)
            stored = time.monotonic()
            for suite_key, companies in OTHERS.items():
                seconds = _seconds_until_handled(portal, database, suite_key, companies[number])
                whose = "a company of the suite" if suite_key == SYNC_HTTP else "another suite's company"
                left = _waiting(database, BUSY)
                goals.append(
                    Goal(
                        f"{events} {what}: {whose} waits, with {left} left",
                        f"{seconds:.2f} s",
                        "≤ 1 s",
                        seconds <= 1,
                    )
                )
            _until(lambda: not _waiting(database, BUSY), within=DRAINED_WITHIN_SECONDS)
            drained = time.monotonic() - stored
            figure = f"{drained:.1f} s, {events / drained:.0f} a second"
            goals.append(Goal(f"{events} {what}: all handled after", figure))
    return goals


def _seconds_until_handled(
    portal: Portal, database: psycopg.Connection, suite_key: str, corp_id: str
) -> float:
    """Let a company authorise; return how long it takes from the push to its first event's end."""
    started = time.monotonic()
    portal.stack.simulator.act(suite_key, corp_id, "authorize", wait=False)
    query = "SELECT count(*) FROM dingtalk_receivedevent WHERE corp_id = %s AND handled_at IS NOT NULL"
    _until(lambda: _count(database, query, corp_id), within=DRAINED_WITHIN_SECONDS)
    return time.monotonic() - started


def _waiting(database: psycopg.Connection, corp_id: str) -> int:
    """Return how many events of a company wait, and pushes that nobody has opened."""
    events = "SELECT count(*) FROM dingtalk_receivedevent WHERE corp_id = %s AND handled_at IS NULL"
    pushes = "SELECT count(*) FROM dingtalk_receivedpush WHERE split_at IS NULL"
    return _count(database, events, corp_id) + _count(database, pushes)


def _count(database: psycopg.Connection, query: str, *parameters: str) -> int:
    row = database.execute(query, parameters).fetchone()
    return int(row[0]) if row else 0


def _until(look: Callable[[], object], *, within: float) -> None:
    deadline = time.monotonic() + within
    while not look():
        if time.monotonic() > deadline:
            raise InvalidRun("what was stored is not handled")
        time.sleep(0.02)
