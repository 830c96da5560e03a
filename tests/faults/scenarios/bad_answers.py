"""DingTalk that answers rubbish, F25, or slowly and without end, F26."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.companies import EVERY_CALL, Companies, measured, percentile, seconds_until
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.world import World
from tests.journeys.stack import LEGACY, SYNC_HTTP


@scenario(
    "F25", "Three calls of ten get a 500, a 502, a page, nothing or errcode -1", events=100, quick_events=16
)
def calls_fail_by_chance(world: World, run: Run) -> Outcome:
    """Every company is served in the end, for a bounded number of calls."""
    half = max(1, run.events // 2)
    quiet = Companies(world, LEGACY, 4)
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
    groups = [Companies(world, suite_key, half) for suite_key in (LEGACY, SYNC_HTTP)]
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
    warm, cold = (Companies(world, SYNC_HTTP, run.events) for _ in range(2))
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
        stopped_after = seconds_until(lambda: warm.corp_ids[-1] in warm.not_in("active"), within=30)
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
