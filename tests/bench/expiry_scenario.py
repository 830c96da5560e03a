"""Many tokens expire at once, and each has many callers in several processes: one call for each of them."""

import json
import subprocess
import sys
import time
from typing import Any

import psycopg

from tests.bench.goals import Goal, Portal, corp_id_of, running_portal
from tests.bench.scenarios import Tell
from tests.journeys.processes import eventually
from tests.journeys.stack import SYNC_HTTP
from tests.support.checkout import ROOT

PROCESSES = 4
CALLERS = 50
ANSWER_SECONDS = 0.05
ACTIVE_WITHIN_SECONDS = 300
# One call too many would have been made by then.
MORE_WITHIN_SECONDS = 2
RUN_SECONDS = 600
# How many wait in a process at once is bounded for the sake of others; here there are none.
_ALL_MAY_WAIT = {"TOKEN_MAX_WAITERS": "64"}
_TOKEN_CALLS = ("/v1.0/oauth2/corpAccessToken", "/service/get_corp_token")
_OF_TENANTS = "kind = 'corp_access_token' AND tenant_id IS NOT NULL"


def measure_expiry(tokens: int, tell: Tell) -> list[Goal]:
    """Measure with so many companies."""
    tell("starting PostgreSQL, Redis, the portal and the simulator")
    with running_portal(companies=tokens) as portal:
        return expiry_goals(portal, tokens=tokens, callers=CALLERS, tell=tell)


def expiry_goals(portal: Portal, *, tokens: int, callers: int, tell: Tell) -> list[Goal]:
    """Let all tokens of a portal run out, and have them asked for; then let them be about to."""
    with psycopg.connect(portal.database_url, autocommit=True) as database:
        tell("companies authorise")
        wanted = _active(database) + tokens
        for number in range(tokens):
            portal.stack.simulator.act(SYNC_HTTP, corp_id_of(number), "authorize", wait=False)
        eventually(lambda: _active(database) == wanted, within=ACTIVE_WITHIN_SECONDS, what="all are active")
        # Whoever was there before has a token, too.
        tokens = wanted
        portal.stack.simulator.add_fault(endpoint="*", kind="delay", seconds=ANSWER_SECONDS, count=None)

        tell(f"{tokens} tokens are over, with {callers} callers each in {PROCESSES} processes")
        database.execute(f"UPDATE tenants_accesstoken SET expires_at = now() WHERE {_OF_TENANTS}")
        before = _token_calls(portal)
        over = _have_all_ask(portal, callers=callers)
        calls = _token_calls(portal) - before

        tell("the same while they are good for some more minutes")
        database.execute(
            "UPDATE tenants_accesstoken SET refresh_at = now(), expires_at = now() + interval '5 minutes',"
            f" renewal_requested_at = NULL WHERE {_OF_TENANTS}"
        )
        before = _token_calls(portal)
        valid = _have_all_ask(portal, callers=callers)
        eventually(lambda: _token_calls(portal) - before >= tokens, within=ACTIVE_WITHIN_SECONDS)
        time.sleep(MORE_WITHIN_SECONDS)
        renewed = _token_calls(portal) - before
    answers = sum(each["answers"] for each in over)
    wanted = tokens * callers
    return [
        Goal("answers", str(answers), str(wanted), answers == wanted),
        Goal("calls to DingTalk for tokens that were over", str(calls), str(tokens), calls == tokens),
        Goal("calls to DingTalk to renew ahead", str(renewed), str(tokens), renewed == tokens),
        _typical("token over: how long a caller waits", over),
        _typical("token still good: how long a caller waits", valid, limit=ANSWER_SECONDS),
    ]


def _have_all_ask(portal: Portal, *, callers: int) -> list[dict[str, Any]]:
    """Have so many callers in all, spread over the processes, ask for every token."""
    shares = [callers // PROCESSES + (number < callers % PROCESSES) for number in range(PROCESSES)]
    env = {**portal.stack.env, **_ALL_MAY_WAIT, "DJANGO_SETTINGS_MODULE": "isv_portal.settings"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.token_callers", "--callers", str(share)],
            cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for share in shares
    ]  # fmt: skip
    try:
        for process in running:
            assert process.stdout is not None
            while process.stdout.readline().strip() not in ("ready", ""):
                pass
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [_report(process) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()


def _report(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return the last line of a process; what it logs comes before."""
    said, _ = process.communicate(timeout=RUN_SECONDS)
    report: dict[str, Any] = json.loads(said.splitlines()[-1])
    return report


def _typical(what: str, reports: list[dict[str, Any]], *, limit: float | None = None) -> Goal:
    median = sorted(each["median"] for each in reports)[len(reports) // 2]
    longest = max(each["longest"] for each in reports)
    figure = f"median {1000 * median:.0f} ms, longest {1000 * longest:.0f} ms"
    if limit is None:
        return Goal(what, figure)
    return Goal(what, figure, f"median under the {1000 * limit:.0f} ms of a call", median < limit)


def _active(database: psycopg.Connection) -> int:
    row = database.execute("SELECT count(*) FROM tenants_tenant WHERE state = 'active'").fetchone()
    return int(row[0]) if row else 0


def _token_calls(portal: Portal) -> int:
    return sum(len(portal.stack.simulator.calls(endpoint=path)["calls"]) for path in _TOKEN_CALLS)
