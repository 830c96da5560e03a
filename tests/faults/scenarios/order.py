"""Copies, wrong order, minds that change, and a worker that wakes up late: F5, F12 to F14."""

import random
import time

from tests.faults.checker import Limits
from tests.faults.copies import send_copies
from tests.faults.outcome import Outcome, Run
from tests.faults.plan import Item, Mix
from tests.faults.pusher import Document, Pusher, Target
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import SUITES, World

# Longer than PostgreSQL waits for who froze in a transaction (`idle_in_transaction_session_timeout`).
FROZEN_SECONDS = 12.0
# The longest lease of an event, a token or a tenant, and a little more.
LONGEST_LEASE_SECONDS = 92.0
SLOW_CALL_SECONDS = 0.4
SIX_HOURS = 6 * 3600
FLIPS, QUICK_FLIPS = 50, 10
_QUIET_SECONDS = 5.0
_OLD_TICKETS = 5
_TICKET_CODES = (40085, "invalidSuiteTicket")
_DEEDS_PER_HISTORY = 6
# Each company needs some calls to DingTalk, and some of them more than once.
SECONDS_PER_HISTORY = 0.1


@scenario(
    "F5",
    "A worker freezes past its leases, another takes over, and the first wakes up",
    events=2400,
    quick_events=900,
)
def worker_frozen(world: World, run: Run) -> Outcome:
    """
    What the zombie had begun has no effect any more.

    Once it is frozen for longer than any lease; the other times leases are ended by hand, as time would.
    """
    world.note(f"each call to DingTalk takes {SLOW_CALL_SECONDS:g} s")
    world.simulator.add_fault(endpoint="*", kind="delay", seconds=SLOW_CALL_SECONDS, count=None)
    another = world.start_another("worker")
    with Traffic(world, run, rate=30, mix=Mix(deeds=0.4, legacy=0.5)) as traffic:
        for number in traffic.moments(1 if run.is_quick else 4, last=0.6):
            zombie = ("worker", another)[number % 2]
            world.pause(zombie)
            if number == 1:
                time.sleep(LONGEST_LEASE_SECONDS)
            else:
                world.end_leases()
                time.sleep(FROZEN_SECONDS)
            world.resume(zombie)
    world.simulator.clear_faults()
    world.note("DingTalk answers at once again")
    return traffic.outcome()


@scenario("F12", "Each event comes one to five times: again, shifted, re-signed, re-encrypted", events=10_000)
def copies(world: World, run: Run) -> Outcome:
    """One event takes effect once, in however many envelopes and at one instant it comes."""
    with Traffic(world, run, rate=60, deliver=send_copies(run.random)) as traffic:
        pass
    outcome = traffic.outcome()
    # A grant that DingTalk was asked to push again is an event of its own.
    pushed = {record["key"] for record in traffic.histories().pushed if record["what"] == "event"}
    effects = len(traffic.receiver.given & pushed)
    outcome.figures["tries"] = len(traffic.tries())
    outcome.figures["effects / events"] = round(effects / max(outcome.figures["events"], 1), 3)
    return outcome


@scenario("F13", "Everything comes in any order, up to six hours late; old tickets after new", events=4000)
def shuffled(world: World, run: Run) -> Outcome:
    """Each tenant ends as if all had come in order, and the newest ticket is the one in use."""
    with Traffic(world, run, companies=max(8, run.events // 20), pusher=ShuffledPusher) as traffic:
        pushed = [(key, world.simulator.push_ticket(key)["pushes"][0]["id"]) for key in (*SUITES, *SUITES)]
        for _ in traffic.moments(_OLD_TICKETS):
            world.note("old tickets are pushed again")
            for suite_key, push_id in pushed[: len(SUITES)]:
                world.simulator.push_again(suite_key, push_id)
    outcome = traffic.outcome()
    refused = sum(call["code"] in _TICKET_CODES for call in traffic.histories().upstream)
    outcome.figures["tickets refused"] = refused
    if refused:
        outcome.problems.append(f"{refused} calls with an old ticket")
    return outcome


@scenario(
    "G7",
    "Ten thousand companies, each with a history that arrives in any order",
    events=60_000,
    quick_events=480,
)
def histories(world: World, run: Run) -> Outcome:
    """However each history is shuffled, its tenant ends as if all had come in order."""
    count = max(8, run.events // _DEEDS_PER_HISTORY)
    with Traffic(
        world, run, companies=count, mix=Mix(deeds=1.0, legacy=0.3), pusher=ShuffledPusher
    ) as traffic:
        pass
    return traffic.outcome(limits=Limits(drain_seconds=120.0 + count * SECONDS_PER_HISTORY))


class ShuffledPusher(Pusher):
    """Has everything happen in order over six hours, and delivers it afterwards in any order."""

    _STEPS = 60

    def start(self) -> None:
        """Let six hours pass at DingTalk, then begin to push."""
        self._simulator.set_clock(-SIX_HOURS)
        self._behind_ms = SIX_HOURS * 1000
        every = max(1, len(self._plan) // self._STEPS)
        step = SIX_HOURS * every / len(self._plan)
        self._happened: list[tuple[Target, list[Document], str]] = []
        for number, item in enumerate(self._plan):
            self._happened.append(self._happen(item))
            if number % every == every - 1:
                self._simulator.advance(step)
                self._behind_ms = max(0, self._behind_ms - round(step * 1000))
        self._simulator.set_clock(0)
        random.Random(len(self._plan)).shuffle(self._happened)
        super().start()

    def _push(self, _item: Item) -> None:
        target, documents, push_id = self._happened.pop()
        for document in documents:
            self._deliver(target, document, push_id)

    def _next_ms(self) -> int:
        return super()._next_ms() - self._behind_ms


@scenario("F14", "Two hundred companies change their minds fifty times", events=10_000, quick_events=400)
def flapping(world: World, run: Run) -> Outcome:
    """Each ends as its last deed says, and nothing is done for those that are gone."""
    flips = QUICK_FLIPS if run.is_quick else FLIPS
    count = max(1, run.events // flips)
    plan = flaps(run, companies=count, flips=flips)
    with Traffic(world, run, companies=count, plan=plan, mix=Mix(legacy=0.3)) as traffic:
        pass
    outcome = traffic.outcome()
    late = _calls_for_the_gone(traffic)
    outcome.figures["calls for companies that are gone"] = late
    if late:
        outcome.problems.append(f"{late} calls for companies that are gone")
    return outcome


def flaps(run: Run, *, companies: int, flips: int) -> list[Item]:
    """Return grants and withdrawals in turn of each company, all companies mixed; half end with a grant."""
    left = {company: flips + company % 2 for company in range(companies)}
    turns = dict.fromkeys(left, 0)
    plan = []
    while left:
        company = run.random.choice(list(left))
        action = "relieve" if turns[company] % 2 else "authorize"
        plan.append(Item(company, action, turn=turns[company]))
        turns[company] += 1
        left[company] -= 1
        if not left[company]:
            del left[company]
    return plan


def _calls_for_the_gone(traffic: Traffic) -> int:
    """Count the calls in DingTalk's ledger, once all is done, for companies that have withdrawn."""
    ends = {each["corp_id"]: each["state"] for each in traffic.histories().ended if each["what"] == "tenant"}
    gone = {corp_id for corp_id, state in ends.items() if state == "relieved"}
    since = traffic.world.last_call_id()
    time.sleep(_QUIET_SECONDS)
    later = traffic.world.simulator.calls(since_id=since)["calls"]
    return sum(call["corp_id"] in gone for call in later)
