"""Answers that never arrive: F29 the permanent code, F31 the activation."""

from tests.faults.companies import ACTIVATE, EXCHANGE, Companies
from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.scenarios.crashes import judged
from tests.faults.world import World
from tests.journeys.stack import LEGACY

WITHIN_SECONDS = 120.0


@scenario(
    "F29",
    "The answer with the permanent code is lost after DingTalk has spent the code",
    events=50,
    quick_events=6,
)
def permanent_code_lost(world: World, run: Run) -> Outcome:
    """Every first exchange acts and its connection is cut; DingTalk's list and a new push bring them back."""
    world.note(f"{EXCHANGE} acts and cuts the connection, {run.events} times")
    world.simulator.add_fault(endpoint=EXCHANGE, kind="drop_answer", count=run.events)
    companies = Companies(world, LEGACY, run.events)
    companies.authorize()
    outcome = judged(world, [companies], [])
    dropped = sum(call["fault"] == "drop_answer" for call in companies.calls(EXCHANGE))
    if dropped != run.events:
        outcome.problems.append(f"{dropped} answers were lost, not {run.events}")
    return outcome


@scenario(
    "F31",
    "The activation's answer is lost, and the next one says that it was done already",
    events=30,
    quick_events=6,
)
def activated_twice(world: World, run: Run) -> Outcome:
    """DingTalk activates and says nothing; asked again it succeeds once more, or refuses."""
    problems: list[str] = []
    figures = {}
    for words, refusals in (("succeeds twice", 0), ("says: already activated", run.events // 2)):
        companies = Companies(world, LEGACY, run.events // 2)
        world.note(f"{ACTIVATE} {words}")
        world.simulator.add_fault(endpoint=ACTIVATE, kind="drop_answer", count=len(companies.corp_ids))
        if refusals:
            world.simulator.add_fault(endpoint=ACTIVATE, kind="errcode", code=400001, count=refusals)
        companies.authorize()
        figures[f"{words}: active after s"], left = companies.wait(within=WITHIN_SECONDS)
        world.simulator.clear_faults()
        problems += [f"{corp_id} is not active" for corp_id in left]
        doubled = [corp_id for corp_id in companies.corp_ids if _times_active(world, corp_id) > 1]
        problems += [f"{corp_id} became active more than once" for corp_id in doubled]
        asked = len(companies.calls(ACTIVATE))
        figures[f"{words}: calls for each"] = round(asked / len(companies.corp_ids), 2)
    return Outcome(figures, problems)


def _times_active(world: World, corp_id: str) -> int:
    answer = world.stack.api(f"/tenants/{LEGACY}/{corp_id}", key=world.app_key)
    transitions = answer.json().get("transitions", []) if answer.ok else []
    return sum(each["to_state"] == "active" for each in transitions)
