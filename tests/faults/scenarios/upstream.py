"""DingTalk that answers wrongly, slowly, without end, or no: F25 to F28 and F33."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.companies import (
    AUTH_INFO,
    CORP_TOKEN_CALLS,
    SCOPE,
    Companies,
    measured,
    percentile,
)
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.world import World
from tests.journeys.stack import LEGACY, SYNC_HTTP

EVERY_CALL = "*"
SUITE_TOKEN_CALLS = ("/service/get_suite_token", "/v1.0/oauth2/suiteAccessToken")
# Old codes by number, those of v1.0 by name; each is too many calls.
_OLD_LIMITS: tuple[dict[str, Any], ...] = (
    {"code": 90018},
    {"code": 90002},
    {"code": 88, "sub_code": "90018"},
    {"code": 88, "sub_code": "90002"},
    {"code": 88, "sub_code": ""},
    {"code": 88, "sub_code": "isp.top-remote-service-unavailable"},
)
_NEW_LIMITS: tuple[dict[str, Any], ...] = (
    {"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
    {"code": "Forbidden.AccessDenied.QpsLimitForApi"},
)


@scenario(
    "F25", "Three calls of ten get a 500, a 502, a page, nothing or errcode -1", events=100, quick_events=16
)
def calls_fail_by_chance(world: World, run: Run) -> Outcome:
    """Every company is served in the end, for a bounded number of calls."""
    half = max(1, run.events // 2)
    quiet = Companies(world, run, LEGACY, 4)
    quiet.authorize()
    quiet.wait(within=60)
    needed = len(quiet.calls()) / 4
    kinds = ("http_500", "http_502", "html", "empty", "errcode")
    chance = 1 - 0.7 ** (1 / len(kinds))
    for kind in kinds:
        world.note(f"{kind} by chance")
        world.simulator.add_fault(
            endpoint=EVERY_CALL, kind=kind, count=None, chance=chance, seed=run.random.randrange(10**6)
        )
    groups = [Companies(world, run, suite_key, half) for suite_key in (LEGACY, SYNC_HTTP)]
    for companies in groups:
        companies.authorize()
    waited = [companies.wait(within=300) for companies in groups]
    calls = groups[0].calls()
    world.simulator.clear_faults()
    figures = {
        "companies": 2 * half,
        "calls": len(calls),
        "failed": sum(bool(call["fault"]) for call in calls),
        "calls for each": round(len(calls) / (2 * half), 1),
        "calls for each, quiet": round(needed, 1),
        "all active after s": max(seconds for seconds, _ in waited),
    }
    problems = [f"{corp_id} is not active" for _, left in waited for corp_id in left]
    if len(calls) > 4 * needed * 2 * half:
        problems.append(f"{len(calls)} calls were made for {2 * half} companies")
    return Outcome(figures, problems)


@scenario("F26", "DingTalk hangs for a minute, drips, or answers without end", events=16, quick_events=4)
def answers_take_forever(world: World, run: Run) -> Outcome:
    """Who has a token gets it as fast as ever, who needs one is told to come again, events are handled."""
    warm, cold = (Companies(world, run, SYNC_HTTP, run.events) for _ in range(2))
    figures: dict[str, Any] = {}
    problems: list[str] = []
    for companies in (warm, cold):
        companies.authorize()
        problems += [f"{corp_id} is not active" for corp_id in companies.wait(within=60)[1]]
    seconds = 8.0 if run.is_quick else 20.0
    quiet = [took for took, _ in measured(lambda: warm.ask_for_token(warm.corp_ids[0]), seconds=5)]
    figures["warm token p99 ms, quiet"] = percentile(quiet, 0.99)
    for kind in ("hang", "drip", "endless"):
        cold.let_tokens_run_out()
        world.note(f"every call: {kind}")
        world.simulator.add_fault(endpoint=EVERY_CALL, kind=kind, count=None, seconds=60)
        with _asking_for_tokens(cold) as refusals:
            switch = threading.Thread(target=warm.act, args=(warm.corp_ids[-1], "stop"))
            switch.start()
            slow = measured(lambda: warm.ask_for_token(warm.corp_ids[0]), seconds=seconds)
            switch.join()
        stopped_after = _seconds_until(lambda: warm.corp_ids[-1] in warm.not_in("active"), within=30)
        world.simulator.clear_faults()
        warm.act(warm.corp_ids[-1], "restore")
        recovered, left = _recovered(cold, within=90)
        p99 = percentile([took for took, _ in slow], 0.99)
        longest = max((took for took, _ in refusals), default=0.0)
        figures |= {
            f"{kind}: warm token p99 ms": p99,
            f"{kind}: longest wait of a cold caller s": round(longest / 1000, 1),
            f"{kind}: an event handled within s": stopped_after,
            f"{kind}: tokens again after s": recovered,
        }
        problems += [f"{kind}: no token for {corp_id} afterwards" for corp_id in left]
        if any(status != 200 for _, status in slow):
            problems.append(f"{kind}: a warm token was refused")
        if p99 > max(4 * figures["warm token p99 ms, quiet"], 250.0):
            problems.append(f"{kind}: a warm token took {p99} ms at p99")
        if longest > 12_000:
            problems.append(f"{kind}: a caller waited {longest:.0f} ms")
        if stopped_after is None:
            problems.append(f"{kind}: an event was not handled within 30 s")
    return Outcome(figures, problems)


@scenario(
    "F27a", "DingTalk throttles: 90018, 90002, their v1.0 names, and 88 around them", events=1, quick_events=1
)
def calls_are_throttled(world: World, run: Run) -> Outcome:
    """What was throttled rests for a second at least, longer each time, and goes on by itself."""
    figures: dict[str, Any] = {}
    problems: list[str] = []
    cases = [(AUTH_INFO, case) for case in _OLD_LIMITS]
    cases += [(CORP_TOKEN_CALLS[0], case) for case in _NEW_LIMITS]
    for endpoint, case in cases:
        name = "/".join(str(value) for value in case.values() if value)
        companies = Companies(world, run, LEGACY, run.events)
        world.note(f"{endpoint} answers {name} twice")
        world.simulator.add_fault(endpoint=endpoint, kind="errcode", count=2, **case)
        companies.authorize()
        seconds, left = companies.wait(within=60)
        problems += [f"{name}: {corp_id} is not active" for corp_id in left]
        moments = [call["at_ms"] for call in companies.calls(endpoint)]
        pauses = [
            round((after - before) / 1000, 1) for before, after in zip(moments, moments[1:], strict=False)
        ]
        figures[name] = f"pauses {pauses[:3]} s, active after {seconds} s"
        is_limit = name != "88" and "isp." not in name
        if is_limit and any(pause < 0.9 for pause in pauses[:2]):
            problems.append(f"{name}: called again after {min(pauses[:2])} s")
        if len(moments) > 6:
            problems.append(f"{name}: {len(moments)} calls")
    return Outcome(figures, problems)


@scenario(
    "F27b", "DingTalk blocks our address, by JSON and by a page", events=8, quick_events=4, fresh_world=True
)
def address_is_blocked(world: World, run: Run) -> Outcome:
    """No call goes out but those under way; five minutes later everything goes on. `--quick` waits 30 s."""
    figures: dict[str, Any] = {}
    problems: list[str] = []
    for kind in ("ip_ban", "ip_ban_page"):
        companies = Companies(world, run, SYNC_HTTP, run.events)
        world.note(f"every call: {kind}")
        world.simulator.add_fault(endpoint=EVERY_CALL, kind=kind, count=None)
        companies.authorize()
        seconds = 30.0 if run.is_quick else 290.0
        _seconds_until(lambda: bool(companies.calls()), within=20)  # noqa: B023 - asked at once
        time.sleep(seconds)
        moments = [call["at_ms"] for call in companies.calls()]
        later = [moment for moment in moments if moment > moments[0] + 2_000] if moments else []
        figures |= {f"{kind}: calls at once": len(moments) - len(later), f"{kind}: calls later": len(later)}
        if not moments:
            problems.append(f"{kind}: nobody called")
        if len(later) > seconds / 60:
            problems.append(f"{kind}: {len(later)} calls in {seconds:.0f} s of a ban")
        world.simulator.clear_faults()
        if run.is_quick:
            _forget_the_ban(world)
            continue
        waited, left = companies.wait(within=120)
        figures[f"{kind}: all active after s"] = round(seconds + waited)
        problems += [f"{kind}: {corp_id} is not active" for corp_id in left]
    return Outcome(figures, problems)


@scenario("F28", "The suite ticket is refused, and a new one comes later", events=40, quick_events=8)
def ticket_is_refused(world: World, run: Run) -> Outcome:
    """While they wait for a ticket companies cost a bounded number of calls; it comes, and all go on."""
    seconds = 20.0 if run.is_quick else 120.0
    for endpoint, code in (
        *((endpoint, 40085) for endpoint in (SUITE_TOKEN_CALLS[0], CORP_TOKEN_CALLS[1], AUTH_INFO)),
        *((endpoint, "invalidSuiteTicket") for endpoint in (SUITE_TOKEN_CALLS[1], CORP_TOKEN_CALLS[0])),
    ):
        world.simulator.add_fault(endpoint=endpoint, kind="errcode", code=code, count=None)
    world.note("every ticket is refused")
    with world.postgresql.connect() as connection:
        connection.execute("DELETE FROM tenants_accesstoken WHERE kind = 'suite'")
    companies = Companies(world, run, LEGACY, run.events)
    companies.authorize()
    time.sleep(seconds)
    calls = companies.calls()
    world.simulator.clear_faults()
    world.note("a new ticket")
    world.simulator.push_ticket(LEGACY)
    world.simulator.push_ticket(SYNC_HTTP)
    waited, left = companies.wait(within=60)
    refused = sum(call["fault"] == "errcode" for call in calls)
    problems = [f"{corp_id} is not active" for corp_id in left]
    allowed = 40 * (1 + seconds / 60)
    if refused > allowed:
        problems.append(f"{refused} calls with a refused ticket in {seconds:.0f} s, {allowed:.0f} allowed")
    figures = {
        "companies": run.events,
        "refused calls while waiting": refused,
        "waited s": seconds,
        "all active after the ticket s": waited,
    }
    return Outcome(figures, problems)


@scenario("F33", "DingTalk revokes tokens early: 40014, 42001, 48004 on use", events=3, quick_events=3)
def tokens_are_revoked(world: World, run: Run) -> Outcome:
    """One renewal and one repetition; where that does not help, no loop."""
    companies = Companies(world, run, SYNC_HTTP, run.events)
    companies.authorize()
    problems = [f"{corp_id} is not active" for corp_id in companies.wait(within=60)[1]]
    figures: dict[str, Any] = {}
    for corp_id, code in zip(companies.corp_ids, (40014, 42001, 48004), strict=False):
        for times in (1, None):
            world.note(f"{SCOPE} answers {code}, {'once' if times else 'always'}")
            companies.since = world.last_call_id()
            world.simulator.add_fault(endpoint=SCOPE, kind="errcode", code=code, count=times)
            companies.act(corp_id, "scope-update")
            time.sleep(8.0 if times else 25.0)
            uses, renewals = len(companies.calls(SCOPE)), len(companies.calls(*CORP_TOKEN_CALLS))
            world.simulator.clear_faults()
            name = f"{code} {'once' if times else 'always'}"
            figures[name] = f"{uses} uses, {renewals} renewals"
            most_uses, most_renewals = (2, 1) if times else (24, 12)
            if not 1 <= uses <= most_uses or renewals > most_renewals:
                problems.append(f"{name}: {uses} uses and {renewals} renewals")
            _seconds_until(lambda: not companies.not_in("active"), within=30)
    problems += [f"{corp_id} is not active" for corp_id in companies.not_in("active")]
    return Outcome(figures, problems)


@contextmanager
def _asking_for_tokens(companies: Companies) -> Iterator[list[tuple[float, int]]]:
    """Have a caller for each company ask for its token all the while."""
    seen: list[tuple[float, int]] = []
    done = threading.Event()

    def ask(corp_id: str) -> None:
        while not done.is_set():
            seen.extend(measured(lambda: companies.ask_for_token(corp_id), seconds=0.0001))
            done.wait(0.5)

    threads = [threading.Thread(target=ask, args=(corp_id,)) for corp_id in companies.corp_ids]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _recovered(companies: Companies, *, within: float) -> tuple[float | None, list[str]]:
    """Return when every company had a token again, and those that have none."""
    missing = list(companies.corp_ids)
    began = time.monotonic()
    while missing and time.monotonic() - began < within:
        missing = [corp_id for corp_id in missing if companies.ask_for_token(corp_id).status_code != 200]
        time.sleep(0.2)
    return (None if missing else round(time.monotonic() - began, 1)), missing


def _seconds_until(look: Callable[[], bool], *, within: float) -> float | None:
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > within:
            return None
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)


def _forget_the_ban(world: World) -> None:
    """What five minutes do: let nobody remember."""
    world.redis.kill()
    world.redis.start()
    for name in ("web", "worker", "dispatcher"):
        world.kill(name)
    world.wait_until_ready()
