"""What is printed of a run: seed, schedule, figures, verdict; and the same as JSON."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from tests.faults.ledger import Record
from tests.faults.outcome import Outcome
from tests.faults.registry import Scenario


@dataclass(frozen=True)
class Result:
    """One scenario's run. `outcome` is None when it could not run, and `skipped` says what it needs."""

    scenario: Scenario
    seed: int
    events: int
    seconds: float
    schedule: list[tuple[float, str]]
    outcome: Outcome | None
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """passed, FAILED or skipped."""
        if self.outcome is None:
            return "skipped"
        return "passed" if self.outcome.passed else "FAILED"


def schedule_of(faults: list[Record], *, since: float) -> list[tuple[float, str]]:
    """Return what was done when, in seconds of the run."""
    return [(round(fault["at"] - since, 2), fault["name"]) for fault in faults if fault["at"] >= since]


def print_result(result: Result, to: Console) -> None:
    """Print one run."""
    colour = {"passed": "green", "FAILED": "red", "skipped": "yellow"}[result.verdict]
    to.print(f"\n[bold]{result.scenario.name}[/] {escape(result.scenario.sentence)}")
    if result.outcome is None:
        to.print(f"  [{colour}]skipped: {escape(result.skipped)}[/]")
        return
    to.print(f"  seed {result.seed}, {result.events} pushes, {result.seconds:.1f} s", highlight=False)
    if result.schedule:
        told = "; ".join(f"{at:.1f} s {name}" for at, name in result.schedule)
        to.print(f"  schedule: {escape(told)}", highlight=False)
    told = ", ".join(f"{name} {value}" for name, value in result.outcome.figures.items())
    to.print(f"  {escape(told)}", highlight=False)
    for problem in result.outcome.problems:
        to.print(f"  [red]{escape(problem)}[/]", highlight=False)
    to.print(f"  [{colour}]{result.verdict}[/]")


def print_summary(results: list[Result], to: Console) -> None:
    """Print how many passed, and name the others."""
    for verdict, colour in (("passed", "green"), ("FAILED", "red"), ("skipped", "yellow")):
        names = [result.scenario.name for result in results if result.verdict == verdict]
        if names:
            to.print(f"[{colour}]{len(names)} {verdict}[/]: {' '.join(names)}")


def as_json(results: list[Result]) -> list[dict[str, Any]]:
    """Return everything as plain values."""
    return [
        {
            "scenario": result.scenario.name,
            "sentence": result.scenario.sentence,
            "seed": result.seed,
            "pushes": result.events,
            "seconds": round(result.seconds, 1),
            "schedule": result.schedule,
            "figures": result.outcome.figures if result.outcome else {},
            "problems": result.outcome.problems if result.outcome else [],
            "skipped": result.skipped,
            "verdict": result.verdict,
        }
        for result in results
    ]
