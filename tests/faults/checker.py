"""
Verdicts from the ledgers alone: what was pushed, what an app was given, what DingTalk was asked, how it ends.

No counter and no table of the portal is looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.ledger import Record
from tests.faults.model import ABSENT, Deed, possible_states
from tests.faults.plan import ORDINARY

SHOWN = 5
EXCHANGE = "/service/get_permanent_code"
ACTIVATION = "/service/activate_suite"


@dataclass(frozen=True)
class Limits:
    """
    What is still within the promises.

    `drain_seconds`: from the end of the last push or fault until everything is done. `late`: acknowledgements
    after the deadline. The others are percentiles of the time until an acknowledgement; None: not judged.
    """

    drain_seconds: float = 120.0
    late: int = 0
    ack_p50_ms: float | None = None
    ack_p99_ms: float | None = None
    ack_p999_ms: float | None = None


@dataclass(frozen=True)
class Histories:
    """
    The ledgers of one run. `upstream`: the calls as the simulator lists them.

    `pushed_again`: what DingTalk pushed by itself, because it was asked to (`reauth_corp`).
    """

    pushed: Sequence[Record]
    given: Sequence[Record]
    ended: Sequence[Record] = ()
    faults: Sequence[Record] = ()
    upstream: Sequence[dict[str, Any]] = ()
    pushed_again: Sequence[dict[str, Any]] = ()


@dataclass
class Verdict:
    """Figures, and each promise that was broken with examples."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def acknowledged_keys(pushed: Sequence[Record]) -> set[str]:
    """Return the keys of the events whose push was acknowledged in time."""
    taken = {record["push"] for record in pushed if record["what"] == "try" and record["answer"] == "success"}
    return {record["key"] for record in pushed if record["what"] == "event" and record["push"] in taken}


def expected_states(pushed: Sequence[Record]) -> dict[str, frozenset[str]]:
    """Return which states each company's tenant may end in, by corp id."""
    acknowledged = acknowledged_keys(pushed)
    deeds: dict[str, set[Deed]] = defaultdict(set)
    for record in pushed:
        if record["what"] == "event" and record["action"] != ORDINARY:
            is_certain = record["key"] in acknowledged
            deeds[record["corp_id"]].add(Deed(record["platform_ms"], record["action"], is_certain))
    return {corp_id: possible_states(of_company) for corp_id, of_company in deeds.items()}


def check(histories: Histories, limits: Limits) -> Verdict:
    """Judge a run."""
    verdict = Verdict()
    _check_effects(histories, verdict)
    _check_acknowledgements(histories, limits, verdict)
    _check_ends(histories, verdict)
    _check_upstream(histories, verdict)
    _check_drain(histories, limits, verdict)
    return verdict


def _check_effects(histories: Histories, verdict: Verdict) -> None:
    """Each acknowledged event was given once, no event twice, and nothing that was not pushed."""
    events = {record["key"]: record for record in histories.pushed if record["what"] == "event"}
    corps = {record["corp_id"] for record in events.values()}
    acknowledged = acknowledged_keys(histories.pushed)
    times = Counter(record["key"] for record in histories.given if record["key"].split("/")[1] in corps)
    ordinary_types = {key.split("/")[2] for key, event in events.items() if event["action"] == ORDINARY}
    lost = sorted(acknowledged - times.keys())
    doubled = sorted(key for key, count in times.items() if count > 1)
    unknown = sorted(key for key in times if key not in events and key.split("/")[2] in ordinary_types)
    verdict.figures |= {
        "pushes": len({event["push"] for event in events.values()}),
        "events": len(events),
        "acknowledged": len(acknowledged),
        "given up by DingTalk": len(events) - len(acknowledged),
        "lost": len(lost),
        "doubled": len(doubled),
    }
    _blame(verdict, lost, "acknowledged and lost")
    _blame(verdict, doubled, "given twice")
    _blame(verdict, unknown, "given and never pushed")


def _check_acknowledgements(histories: Histories, limits: Limits, verdict: Verdict) -> None:
    """No acknowledgement came too late, and those that came were quick enough."""
    tries = [record for record in histories.pushed if record["what"] == "try"]
    answers = Counter(record["answer"] for record in tries)
    times = sorted(record["elapsed_ms"] for record in tries if record["answer"] in ("success", "late"))
    verdict.figures |= {
        "late": answers["late"],
        "tries without success": _counted(answers - Counter(success=len(tries), late=len(tries))),
    }
    if answers["late"] > limits.late:
        slowest = [f"{time:.0f} ms" for time in times[-SHOWN:]]
        verdict.problems.append(f"{answers['late']} late acknowledgements: {', '.join(slowest)}")
    for name, share, most in (
        ("ack p50 ms", 0.5, limits.ack_p50_ms),
        ("ack p99 ms", 0.99, limits.ack_p99_ms),
        ("ack p99.9 ms", 0.999, limits.ack_p999_ms),
        ("ack max ms", 1.0, None),
    ):
        value = percentile(times, share)
        verdict.figures[name] = round(value, 1)
        if most is not None and not value <= most:
            verdict.problems.append(f"{name} is {value:.1f}, more than {most:g}")


def _check_ends(histories: Histories, verdict: Verdict) -> None:
    """Each tenant is what the events make it."""
    ends = {record["corp_id"]: record["state"] for record in histories.ended if record["what"] == "tenant"}
    wrong = [
        f"{corp_id} is {ends.get(corp_id, ABSENT)}, not {' or '.join(sorted(allowed))}"
        for corp_id, allowed in sorted(expected_states(histories.pushed).items())
        if ends.get(corp_id, ABSENT) not in allowed
    ]
    verdict.figures["wrong final states"] = len(wrong)
    _blame(verdict, wrong, "in a wrong final state")


def _check_upstream(histories: Histories, verdict: Verdict) -> None:
    """No permanent code was bought more often than the company consented or was asked again."""
    consents = Counter(
        record["corp_id"]
        for record in histories.pushed
        if record["what"] == "event" and record["action"] == "authorize"
    )
    consents.update(push["corp_id"] for push in histories.pushed_again if push["corp_id"] in consents)
    bought: Counter[str] = Counter()
    refused = activations = 0
    for call in histories.upstream:
        if call["corp_id"] in consents and call["endpoint"] == EXCHANGE:
            bought[call["corp_id"]] += call["code"] == 0
            refused += call["code"] != 0
        activations += call["corp_id"] in consents and call["endpoint"] == ACTIVATION and call["code"] == 0
    too_often = sorted(corp_id for corp_id, count in bought.items() if count > consents[corp_id])
    verdict.figures |= {
        "codes bought": sum(bought.values()),
        "codes refused": refused,
        "grants pushed again": len(histories.pushed_again),
        "activations": activations,
    }
    _blame(verdict, too_often, "whose code was bought twice")


def _check_drain(histories: Histories, limits: Limits, verdict: Verdict) -> None:
    """Everything was done within the time after the last push and fault."""
    acknowledged = acknowledged_keys(histories.pushed)
    last_input = max((record["at"] for record in (*histories.pushed, *histories.faults)), default=0.0)
    effects = [record["at"] for record in histories.given if record["key"] in acknowledged]
    settled = [record["at"] for record in histories.ended if record["what"] == "settled"]
    seconds = max([0.0, *(at - last_input for at in (*effects, *settled))])
    verdict.figures["drained in s"] = round(seconds, 1)
    if not settled:
        verdict.problems.append(f"not everything was done {limits.drain_seconds:g} s after the end")
    elif seconds > limits.drain_seconds:
        verdict.problems.append(f"drained in {seconds:.1f} s, more than {limits.drain_seconds:g} s")


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that a share of the sorted values does not exceed; not a number without any."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _counted(answers: Counter[str]) -> str:
    return "; ".join(f"{count} {answer}" for answer, count in answers.most_common()) or "0"


def _blame(verdict: Verdict, found: Sequence[str], what: str) -> None:
    if found:
        more = ", …" if len(found) > SHOWN else ""
        verdict.problems.append(f"{len(found)} {what}: {', '.join(found[:SHOWN])}{more}")
