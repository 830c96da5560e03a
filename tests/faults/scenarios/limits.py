"""DingTalk that wants fewer calls, F27: of an API for a second, or of our address for five minutes."""

import time
from itertools import pairwise
from typing import Any

from tests.faults.companies import AUTH_INFO, CORP_TOKEN_CALLS, EVERY_CALL, Companies, seconds_until
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.world import World
from tests.journeys.stack import LEGACY, SYNC_HTTP

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
        companies = Companies(world, LEGACY, run.events)
        world.note(f"{endpoint} answers {name} twice")
        world.simulator.add_fault(endpoint=endpoint, kind="errcode", count=2, **case)
        companies.authorize()
        seconds, left = companies.wait(within=60)
        problems += [f"{name}: {corp_id} is not active" for corp_id in left]
        moments = [call["at_ms"] for call in companies.calls(endpoint)]
        pauses = [round((after - before) / 1000, 1) for before, after in pairwise(moments)]
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
    """
    No call goes out but those under way; five minutes later one finds out, and everything goes on.

    The ban lasts a little longer than we rest, so that the one has to be heard of. `--quick` waits 30 s.
    """
    figures: dict[str, Any] = {}
    problems: list[str] = []
    for kind in ("ip_ban", "ip_ban_page"):
        companies = Companies(world, SYNC_HTTP, run.events)
        world.note(f"every call: {kind}")
        world.simulator.add_fault(endpoint=EVERY_CALL, kind=kind, count=None)
        companies.authorize()
        seconds, most = (30.0, 0) if run.is_quick else (320.0, 1)
        seconds_until(lambda: bool(companies.calls()), within=20)  # noqa: B023 - asked at once
        time.sleep(seconds)
        moments = [call["at_ms"] for call in companies.calls()]
        later = [moment for moment in moments if moment > moments[0] + 2_000] if moments else []
        figures |= {f"{kind}: calls at once": len(moments) - len(later), f"{kind}: calls later": len(later)}
        if not moments:
            problems.append(f"{kind}: nobody called")
        if len(later) > most:
            problems.append(f"{kind}: {len(later)} calls in {seconds:.0f} s of a ban")
        world.simulator.clear_faults()
        if run.is_quick:
            _forget_the_ban(world)
            continue
        waited, left = companies.wait(within=420)
        figures[f"{kind}: all active after s"] = round(seconds + waited)
        problems += [f"{kind}: {corp_id} is not active" for corp_id in left]
    return Outcome(figures, problems)


def _forget_the_ban(world: World) -> None:
    """What five minutes do: let nobody remember."""
    world.redis.kill()
    world.redis.start()
    for name in ("web", "worker", "dispatcher"):
        world.kill(name)
    world.wait_until_ready()
