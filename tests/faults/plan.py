"""What is pushed: a seeded mix of ordinary events and of what companies' administrators do."""

import random
from collections import Counter
from dataclasses import dataclass

ORDINARY = "ordinary"
# What an administrator can do next, by what the company's authorisation is now.
_DEEDS = {
    "none": {"authorize": 1.0},
    "active": {"change": 0.4, "stop": 0.3, "relieve": 0.3},
    "stopped": {"restore": 0.7, "relieve": 0.3},
}
_AFTER = {
    "authorize": "active",
    "change": "active",
    "stop": "stopped",
    "restore": "active",
    "relieve": "none",
}


@dataclass(frozen=True)
class Mix:
    """
    `deeds`: the share of pushes about authorisations. `legacy`: the share of companies whose suite is told
    by legacy HTTP. `most_rows`: an ordinary push has 1 to so many rows, each an event.
    """

    deeds: float = 0.25
    legacy: float = 0.1
    most_rows: int = 3


@dataclass(frozen=True)
class Item:
    """
    One push: `company` by its number; `action` of an administrator, or ORDINARY with `rows`.

    `turn`: how many deeds of the same company come before it.
    """

    company: int
    action: str
    rows: int = 1
    turn: int = 0


def make_plan(chooser: random.Random, *, pushes: int, companies: int, mix: Mix) -> list[Item]:
    """Return the pushes in the order in which they begin; every company is authorised at some time."""
    standing = ["none"] * companies
    turns: Counter[int] = Counter()
    plan: list[Item] = []
    unmet = list(range(min(companies, int(pushes * mix.deeds))))
    chooser.shuffle(unmet)
    for _ in range(pushes):
        if chooser.random() >= mix.deeds:
            rows = chooser.randint(1, mix.most_rows)
            plan.append(Item(chooser.randrange(companies), ORDINARY, rows=rows))
            continue
        company = unmet.pop() if unmet and chooser.random() < 0.5 else chooser.randrange(companies)
        choices = _DEEDS[standing[company]]
        action = chooser.choices(list(choices), list(choices.values()))[0]
        standing[company] = _AFTER[action]
        plan.append(Item(company, action, turn=turns[company]))
        turns[company] += 1
    return plan
