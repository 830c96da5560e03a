"""What a scenario returns, and what it is given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any


class Skipped(Exception):
    """The scenario cannot run here; the text says what it needs."""


@dataclass(frozen=True)
class Outcome:
    """Figures to print, and what was broken: a scenario without problems has passed."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.problems


@dataclass(frozen=True)
class Run:
    """
    One run of one scenario.

    `random`: everything that is chosen is chosen by it. `folder`: for ledgers and other files.
    `tell`: says something while it runs.
    """

    name: str
    events: int
    seed: int
    folder: Path
    is_quick: bool = False
    tell: Callable[[str], None] = print
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "random", Random(f"{self.name}:{self.seed}"))
