"""Tickets and tokens that DingTalk refuses, or that end all at once: F28, F32, F33."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.faults.companies import AUTH_INFO, CORP_TOKEN_CALLS, SCOPE, Companies, seconds_until
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.world import World
from tests.journeys.stack import LEGACY, SYNC_HTTP

SUITE_TOKEN_CALLS = ("/service/get_suite_token", "/v1.0/oauth2/suiteAccessToken")
CALLERS = 50
CALLERS_AT_ONCE = 64


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
        connection.execute("DELETE FROM tenants_accesstoken WHERE kind = 'suite_access_token'")
    companies = Companies(world, LEGACY, run.events)
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


@scenario(
    "F32",
    "The tokens of all companies end in the same second, fifty callers each",
    events=100,
    quick_events=10,
)
def tokens_end_together(world: World, run: Run) -> Outcome:
    """One renewal for each company, whoever asks wherever; every caller gets a token in the end."""
    companies = Companies(world, SYNC_HTTP, run.events)
    companies.authorize()
    problems = [f"{corp_id} is not active" for corp_id in companies.wait(within=180)[1]]
    companies.since = world.last_call_id()
    companies.let_tokens_run_out()
    world.note(f"{run.events} tokens end at once")
    callers = companies.corp_ids * (10 if run.is_quick else CALLERS)
    run.random.shuffle(callers)
    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS_AT_ONCE) as threads:
        served = sum(threads.map(lambda corp_id: _has_token_in_the_end(companies, corp_id), callers))
    renewals = companies.count(*CORP_TOKEN_CALLS)
    problems += [f"{times} renewals for {corp_id}" for corp_id, times in renewals.items() if times != 1]
    if served != len(callers):
        problems.append(f"{len(callers) - served} callers got no token")
    figures = {
        "companies": run.events,
        "callers": len(callers),
        "renewals": sum(renewals.values()),
        "all served after s": round(time.monotonic() - began, 1),
    }
    return Outcome(figures, problems)


@scenario("F33", "DingTalk revokes tokens early: 40014, 42001, 48004 on use", events=3, quick_events=3)
def tokens_are_revoked(world: World, run: Run) -> Outcome:
    """One renewal and one repetition; where that does not help, no loop."""
    companies = Companies(world, SYNC_HTTP, run.events)
    companies.authorize()
    problems = [f"{corp_id} is not active" for corp_id in companies.wait(within=60)[1]]
    figures: dict[str, Any] = {}
    for corp_id, code in zip(companies.corp_ids, (40014, 42001, 48004), strict=False):
        for is_once in (True, False):
            name = f"{code} {'once' if is_once else 'always'}"
            uses, renewals = _used_while_refused(companies, corp_id, code, is_once=is_once)
            figures[name] = f"{uses} uses, {renewals} renewals"
            most_uses, most_renewals = (2, 1) if is_once else (20, 10)
            if not 1 <= uses <= most_uses or renewals > most_renewals:
                problems.append(f"{name}: {uses} uses and {renewals} renewals")
            if seconds_until(lambda: _has_used_its_token(companies), within=90) is None:
                problems.append(f"{name}: the token is not used any more")
    problems += [f"{corp_id} is not active" for corp_id in companies.not_in("active")]
    return Outcome(figures, problems)


def _used_while_refused(companies: Companies, corp_id: str, code: int, *, is_once: bool) -> tuple[int, int]:
    """Have a company's token be refused on use; return how often it was used, and renewed."""
    world = companies.world
    world.note(f"{SCOPE} answers {code}, {'once' if is_once else 'always'}")
    companies.since = world.last_call_id()
    world.simulator.add_fault(endpoint=SCOPE, kind="errcode", code=code, count=1 if is_once else None)
    companies.act(corp_id, "scope-update")
    time.sleep(5.0 if is_once else 20.0)
    uses, renewals = len(companies.calls(SCOPE)), len(companies.calls(*CORP_TOKEN_CALLS))
    world.simulator.clear_faults()
    return uses, renewals


def _has_used_its_token(companies: Companies) -> bool:
    return any(call["code"] == 0 for call in companies.calls(SCOPE))


def _has_token_in_the_end(companies: Companies, corp_id: str) -> bool:
    """Ask until there is a token, coming back when the portal says so."""
    for _attempt in range(60):
        answer = companies.ask_for_token(corp_id)
        if answer.status_code == 200:
            return True
        if answer.status_code != 503:
            return False
        time.sleep(float(answer.headers["Retry-After"]))
    return False
