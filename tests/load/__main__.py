"""
`python -m tests.load`: what a push, a token, a renewal and a company cost, and what a million companies ask.

Runs the whole portal with PostgreSQL (durable), Redis and the simulator. First each kind of work is played by
itself, and the processor time that each process took for it is read; then a part of the companies' busiest
hour, all kinds together, which has to cost what the parts say. From these follows the rest, by arithmetic.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from tests.bench.goals import running_portal
from tests.bench.machine import describe_machine
from tests.load.model import ONBOARDING, PUSH, RENEWAL, TICKET, TOKEN, Companies, cores, plan
from tests.load.playing import Player
from tests.load.processor_time import PROCESSES, ProcessorTime, difference
from tests.support import services
from tests.support.checkout import ROOT

# How many of a kind are played by themselves, and in how many seconds.
ALONE = {ONBOARDING: (100, 10), PUSH: (600, 8), TOKEN: (1_500, 8), RENEWAL: (200, 8), TICKET: (20, 5)}
IDLE_SECONDS = 8
NAMES = (*PROCESSES, "postgresql", "redis")
# Of an event with its push, at ten million of them: see docs/scaling.md.
EVENT_BYTES = 1_300


def main() -> None:
    """Measure, reckon, print."""
    options = _options()
    companies = Companies(count=options.companies, pushes_a_day=options.pushes_a_day, using=options.using)
    scaled = {kind: max(1, round(units / options.scale)) for kind, units in companies.busiest_hour().items()}
    redis_url = services.start_redis()
    room = ALONE[ONBOARDING][0] + scaled[ONBOARDING]
    with running_portal(companies=room, redis_url=redis_url) as portal:
        measured = _measure(Player(portal), ProcessorTime(portal, redis_url), scaled, seconds=options.seconds)
    figures = plan(companies, measured["costs_ms"], idle=measured["idle_cores"], event_bytes=EVENT_BYTES)
    result = {"machine": describe_machine(ROOT), **measured, "plan": figures}
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        _print(result, companies, scale=options.scale)


def _measure(
    player: Player, processor_time: ProcessorTime, scaled: Mapping[str, int], *, seconds: float
) -> dict[str, Any]:
    """Play nothing, each kind by itself, and then all of `scaled` together in so many seconds."""

    def taken(units: Mapping[str, int], within: float) -> tuple[float, dict[str, float]]:
        before = processor_time.now()
        lasted = player.play(units, seconds=within)
        return lasted, difference(processor_time.now(), before)

    before = processor_time.now()
    _tell("nothing is played")
    time.sleep(IDLE_SECONDS)
    idle = {name: used / IDLE_SECONDS for name, used in difference(processor_time.now(), before).items()}
    costs: dict[str, dict[str, float]] = {}
    for kind, (units, within) in ALONE.items():
        lasted, used = taken({kind: units}, within)
        costs[kind] = {name: 1000 * max(0.0, used[name] - idle[name] * lasted) / units for name in NAMES}
        _tell(f"{units} × {kind} took {lasted:.1f} s, {sum(costs[kind].values()):.1f} ms of a core each")
    _tell(f"a part of the busiest hour is played in {seconds:.0f} s: {scaled}")
    lasted, together = taken(scaled, seconds)
    hour = {kind: 3600 * units / lasted for kind, units in scaled.items()}
    expected = {name: lasted * value for name, value in cores(hour, costs, idle=idle).items()}
    return {
        "idle_cores": idle,
        "costs_ms": costs,
        "scaled_hour": {"units": scaled, "seconds": lasted, "taken": together, "expected": expected},
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--companies", type=float, default=Companies.count)
    parser.add_argument("--using", type=float, default=Companies.using, help="share in the busiest hour")
    parser.add_argument("--pushes-a-day", type=float, default=Companies.pushes_a_day, help="of a company")
    parser.add_argument(
        "--scale", type=int, default=2_500, help="of the busiest hour, play one part in so many"
    )
    parser.add_argument("--seconds", type=float, default=60, help="in which that part is played")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(result: Mapping[str, Any], companies: Companies, *, scale: int) -> None:
    print(", ".join(f"{name} {value}" for name, value in result["machine"].items()))
    print("\nMeasured: milliseconds of a core for one of each, and cores when nothing happens\n")
    print(f"| kind | {' | '.join(NAMES)} | all |\n| --- |{' ---: |' * (len(NAMES) + 1)}")
    for kind, costs in result["costs_ms"].items():
        values = [costs[name] for name in NAMES]
        print(f"| {kind} | {' | '.join(f'{value:.2f}' for value in values)} | {sum(values):.2f} |")
    values = [result["idle_cores"][name] for name in NAMES]
    print(f"| nothing: cores | {' | '.join(f'{value:.3f}' for value in values)} | {sum(values):.3f} |")
    hour = result["scaled_hour"]
    played = ", ".join(f"{units:,} × {kind}" for kind, units in hour["units"].items())
    as_many = companies.count / scale * 3600 / hour["seconds"]
    print(f"\nMeasured: {played}, all together in {hour['seconds']:.0f} s; seconds of a core")
    print(f"As fast as the busiest hour of {as_many:,.0f} companies\n")
    print(f"| | {' | '.join(NAMES)} | all |\n| --- |{' ---: |' * (len(NAMES) + 1)}")
    for label, key in (("taken", "taken"), ("expected from the parts", "expected")):
        values = [hour[key][name] for name in NAMES]
        print(f"| {label} | {' | '.join(f'{value:.1f}' for value in values)} | {sum(values):.1f} |")
    print(f"\nReckoned from the costs: the busiest hour of {companies.count:,.0f} companies\n")
    print("| figure | value | unit |\n| --- | ---: | --- |")
    for name, value, unit in result["plan"]:
        print(f"| {name} | {value:,.1f} | {unit} |")


if __name__ == "__main__":
    main()
