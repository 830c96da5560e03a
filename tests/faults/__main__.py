"""`python -m tests.faults`: play fault scenarios, print what came of each, fail when a promise was broken."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.faults.playing import Player
from tests.faults.registry import Scenario, all_scenarios
from tests.faults.report import Result, as_json, print_result, print_summary


def main(arguments: Sequence[str]) -> int:
    """Play; 0 when every scenario that could run has passed."""
    options = _options(arguments)
    # Told to end, stop what was started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=110 if not sys.stdout.isatty() else None)
    chosen = _chosen(options.scenario)
    if options.list:
        for scenario in chosen:
            console.print(f"{scenario.name:8} {scenario.sentence}", highlight=False)
        return 0
    try:
        results = _play(chosen, options, console)
    except KeyboardInterrupt:
        return 130
    print_summary(results, console)
    if options.json:
        options.json.write_text(json.dumps(as_json(results), indent=2, ensure_ascii=False), encoding="utf-8")
    return 1 if any(result.verdict == "FAILED" for result in results) else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--scenario", action="append", default=[], help="by name; several times for several")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--events", type=int, help="how many pushes, instead of each scenario's own number")
    parser.add_argument("--seed", type=int, help="repeat a run's choices (a new one each time)")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", type=Path, help="write everything into a file, too")
    parser.add_argument("--folder", type=Path, help="keep ledgers and logs here")
    return parser.parse_args(arguments)


def _chosen(names: list[str]) -> list[Scenario]:
    scenarios = all_scenarios()
    unknown = set(names) - {each.name for each in scenarios}
    if unknown:
        raise SystemExit(f"there is no scenario {', '.join(sorted(unknown))}; --list names all")
    chosen = [each for each in scenarios if not names or each.name in names]
    # Those that can share a world one after another.
    return sorted(chosen, key=lambda each: (each.fresh_world, str(each.options)))


def _play(chosen: list[Scenario], options: argparse.Namespace, console: Console) -> list[Result]:
    results = []
    with Player(folder=options.folder, tell=lambda text: console.print(text, style="dim")) as player:
        for scenario in chosen:
            result = player.play(scenario, seed=options.seed, events=options.events, is_quick=options.quick)
            print_result(result, console)
            results.append(result)
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
