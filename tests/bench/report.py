"""The figures for people, as a table, and for programs, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.measurement import Scenario

_FIGURES = ("rate", "p50_ms", "p95_ms", "p99_ms", "client_cores")
_FILE_WIDTH = 120
# From here on something else was running, and took its part of one side or the other.
_QUIET_LOAD = 0.5


def print_report(scenarios: Sequence[Scenario], circumstances: Mapping[str, Any], *, to: TextIO) -> None:
    """
    Print one table for each scenario: medians over the turns, and the ratios of the subject.

    Into anything but a terminal it is Markdown, ready for docs/performance.md.
    """
    console = Console(file=to, width=None if to.isatty() else _FILE_WIDTH)
    style = box.HEAVY_HEAD if console.is_terminal else box.MARKDOWN
    for scenario in scenarios:
        console.print(f"\n[bold]{scenario.name}[/]\n", highlight=False)
        console.print(_table(scenario, style))
    console.print()
    console.print(", ".join(f"{name} {value}" for name, value in circumstances.items()), highlight=False)
    console.print(
        "Client and server share the cores. Figures are medians over the turns; a ratio is the median of "
        "the ratios within each turn, with the lowest and the highest."
    )
    if circumstances["load_before"] > _QUIET_LOAD:
        console.print("[yellow]Something else was running before: these figures are not for the record.[/]")


def as_json(scenarios: Sequence[Scenario], circumstances: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        "circumstances": dict(circumstances),
        "scenarios": [
            {
                "name": scenario.name,
                "subject": scenario.subject,
                "ratios": {
                    other: {"median": scenario.ratio_to(other), "turns": scenario.ratios_to(other)}
                    for other in _others(scenario)
                },
                "medians": {
                    variant: {figure: scenario.median_of(variant, figure) for figure in _FIGURES}
                    for variant in scenario.runs
                },
                "runs": {variant: [asdict(run) for run in runs] for variant, runs in scenario.runs.items()},
            }
            for scenario in scenarios
        ],
    }


def _table(scenario: Scenario, style: box.Box) -> Table:
    table = Table(box=style)
    table.add_column("variant", no_wrap=True)
    for heading in ("per second", "p50 ms", "p95 ms", "p99 ms", "client cores"):
        table.add_column(heading, justify="right")
    table.add_column(f"{scenario.subject} is", justify="right", no_wrap=True)
    for variant in scenario.runs:
        rate, *others = (scenario.median_of(variant, figure) for figure in _FIGURES)
        cells = [f"{rate:,.0f}", *("–" if value is None else f"{value:.2f}" for value in others)]
        table.add_row(variant, *cells, _ratio(scenario, variant))
    return table


def _ratio(scenario: Scenario, variant: str) -> str:
    if variant == scenario.subject:
        return ""
    ratios = scenario.ratios_to(variant)
    return f"{scenario.ratio_to(variant):.1%} ({min(ratios):.1%} – {max(ratios):.1%})"


def _others(scenario: Scenario) -> list[str]:
    return [variant for variant in scenario.runs if variant != scenario.subject]
