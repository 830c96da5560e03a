"""What so many companies ask of the portal in their busiest hour, and how many cores that takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

TOKEN_HOURS = 2
TICKET_HOURS = 5
# A core that is busier than this makes whoever asks wait.
BUSY = 0.6
# Of one address, which the portal stays below.
CALLS_IN_20_SECONDS = 9_000
CALLS_TO_AUTHORIZE, CALLS_TO_RENEW = 2, 1

PUSH, TOKEN, RENEWAL, ONBOARDING, TICKET = "push", "token", "renewal", "onboarding", "ticket"
# Milliseconds of a core for one unit of a kind of work, by the process that takes them.
Costs = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Companies:
    """
    Assumptions about companies that use one suite; the only figures here that nobody measured.

    `using`: the share that has people in the app in the busiest hour, `using_that_day`: within a day, whose
    tokens are renewed ahead. A day's pushes come within `busy_hours`, and the busiest hour has `peak` times
    their mean. `tokens_an_hour`: asked for by a company that uses the app. `new_a_day`: the share that
    authorises anew.
    """

    count: float = 1_000_000
    using: float = 0.1
    using_that_day: float = 0.3
    pushes_a_day: float = 10
    busy_hours: float = 10
    peak: float = 3
    tokens_an_hour: float = 90
    new_a_day: float = 0.001
    suites: int = 1

    def busiest_hour(self) -> dict[str, float]:
        """Return how many of each kind of work the busiest hour has."""
        return {
            PUSH: self.count * self.pushes_a_day / self.busy_hours * self.peak,
            TOKEN: self.count * self.using * self.tokens_an_hour,
            RENEWAL: self.count * self.using_that_day / TOKEN_HOURS,
            ONBOARDING: self.count * self.new_a_day / self.busy_hours * self.peak,
            TICKET: self.suites / TICKET_HOURS,
        }


def cores(hour: Mapping[str, float], costs: Costs, *, idle: Mapping[str, float]) -> dict[str, float]:
    """Return how many cores each process takes in that hour; `idle`: what it takes when nothing happens."""
    taken = dict(idle)
    for kind, by_process in costs.items():
        for process, milliseconds in by_process.items():
            taken[process] = taken.get(process, 0.0) + hour[kind] / 3600 * milliseconds / 1000
    return taken


def plan(
    companies: Companies, costs: Costs, *, idle: Mapping[str, float], event_bytes: float
) -> list[tuple[str, float, str]]:
    """Return name, value and unit of each figure for the busiest hour of these companies."""
    hour = companies.busiest_hour()
    taken = cores(hour, costs, idle=idle)
    calls = hour[RENEWAL] * CALLS_TO_RENEW + hour[ONBOARDING] * CALLS_TO_AUTHORIZE
    everything = sum(taken.values())
    return [
        ("pushes", hour[PUSH] / 3600, "a second"),
        ("tokens handed out", hour[TOKEN] / 3600, "a second"),
        ("renewals of tokens", hour[RENEWAL] / 3600, "a second"),
        ("calls to DingTalk", calls / 3600 * 20, f"in 20 seconds, of {CALLS_IN_20_SECONDS:,}"),
        *((f"{process}: cores", ceil(10 * used / BUSY) / 10, "") for process, used in sorted(taken.items())),
        ("all cores", everything / BUSY, f"busy to {BUSY:.0%}"),
        ("companies for each core", companies.count * BUSY / everything, ""),
        ("stored", companies.count * companies.pushes_a_day * event_bytes / 1e9, "GB a day"),
    ]
