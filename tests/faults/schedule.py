"""When things happen: moments of a run, chosen by its seed."""

import random
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


def moments(chooser: random.Random, count: int, *, first: float = 0.05, last: float = 0.95) -> list[float]:
    """
    Return `count` moments in order, each a share of the run: one somewhere in each of as many equal parts.

    Spread like this, faults repeat and nevertheless never all fall together.
    """
    part = (last - first) / max(count, 1)
    return [first + part * (number + chooser.random()) for number in range(count)]


def deal(chooser: random.Random, faults: Sequence[Choice], count: int) -> list[Choice]:
    """Return `count` faults in random order, each kind about as often as the others."""
    dealt: list[Choice] = []
    while len(dealt) < count:
        dealt += chooser.sample(list(faults), len(faults))
    dealt = dealt[:count]
    chooser.shuffle(dealt)
    return dealt
