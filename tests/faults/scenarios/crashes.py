"""Processes that die at named places: F24 on the way of a push, F30 around the permanent code."""

from tests.faults.checker import Limits
from tests.faults.companies import ACTIVATE, EXCHANGE, REAUTH, Companies
from tests.faults.crash_points import ENVIRONMENT, EXCHANGING, HANDLING, RECEIVING, CrashFolder, CrashPoint
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.stack import LEGACY

COMES_BY_SECONDS = 30.0
# A dead process's lease on an event lasts a minute, that on a tenant a minute and a half.
DRAIN_SECONDS = 180.0
# G13: lost codes are found and their companies queued within so long.
DETECTION_SECONDS = 300.0


@scenario(
    "F24",
    "Killed between commit and reply, between reply and next step, and at every step after it",
    events=3000,
    quick_events=600,
    environment=ENVIRONMENT,
)
def killed_on_the_way(world: World, run: Run) -> Outcome:
    """Every crash point from the verified push to the committed effect, in an order of the seed."""
    folder, points = CrashFolder(world.folder / "data"), [*RECEIVING, *HANDLING]
    run.random.shuffle(points)
    missed: list[str] = []
    with Traffic(world, run, rate=30.0) as traffic:
        for number in traffic.moments(len(points), last=0.8):
            folder.arm(points[number])
            missed += _missed(world, folder, points[number])
    return traffic.outcome(
        limits=Limits(drain_seconds=DRAIN_SECONDS),
        figures={"crash points": len(points) - len(missed)},
        problems=missed,
    )


@scenario(
    "F30",
    "Killed between the answer with the permanent code and its commit, at every crash point",
    events=42,
    quick_events=14,
    environment=ENVIRONMENT,
)
def killed_over_the_permanent_code(world: World, run: Run) -> Outcome:
    """Companies authorise, some at a time, and whoever exchanges their codes is killed again and again."""
    folder, points = CrashFolder(world.folder / "data"), list(EXCHANGING)
    run.random.shuffle(points)
    waves = [(point, Companies(world, LEGACY, max(1, run.events // len(points)))) for point in points]
    missed: list[str] = []
    for point, companies in waves:
        folder.arm(point)
        companies.authorize()
        missed += _missed(world, folder, point)
    return judged(world, [companies for _, companies in waves], missed)


def judged(world: World, waves: list[Companies], problems: list[str]) -> Outcome:
    """Wait until every company is served, and tell from DingTalk's ledger which codes were lost meanwhile."""
    lost: dict[str, float] = {}
    slowest = 0.0
    for companies in waves:
        seconds, left = companies.wait(within=DETECTION_SECONDS)
        slowest = max(slowest, seconds)
        problems += [f"{corp_id} is not active" for corp_id in left]
        lost |= _seconds_until_queued(companies)
        activated = companies.count(ACTIVATE, code=0)
        problems += [
            f"{corp_id} was never activated" for corp_id in companies.corp_ids if not activated[corp_id]
        ]
    queued_late = [corp_id for corp_id, seconds in lost.items() if seconds > DETECTION_SECONDS]
    problems += [f"the lost code of {corp_id} was not found in time" for corp_id in queued_late]
    figures = {
        "companies": sum(len(companies.corp_ids) for companies in waves),
        "codes lost": len(lost),
        "found and queued": len(lost) - len(queued_late),
        "queued within s": round(max(lost.values(), default=0.0), 1),
        "all served after s": slowest,
    }
    return Outcome(figures, problems)


def _seconds_until_queued(companies: Companies) -> dict[str, float]:
    """For each company whose code DingTalk gave twice: from the first time until it was asked to invite."""
    given = companies.count(EXCHANGE, code=0)
    found: dict[str, float] = {}
    for corp_id in (corp_id for corp_id, times in given.items() if times > 1):
        first = min(call["at_ms"] for call in companies.calls(EXCHANGE) if call["corp_id"] == corp_id)
        asked = [call["at_ms"] for call in companies.calls(REAUTH) if call["corp_id"] == corp_id]
        found[corp_id] = (min(asked) - first) / 1000 if asked else float("inf")
    return found


def _missed(world: World, folder: CrashFolder, point: CrashPoint) -> list[str]:
    """Wait until somebody was killed at an armed point; return what is to be said if nobody came by."""
    try:
        folder.wait_for(point, within=COMES_BY_SECONDS)
    except AssertionError:
        folder.disarm(point)
        return [f"nobody came by crash point {point.name!r}"]
    world.note(f"kill -9 at crash point {point.name!r}")
    return []
