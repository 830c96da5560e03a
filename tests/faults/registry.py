"""The scenarios that there are: a decorator that registers one, and the list of all."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.outcome import Outcome, Run

if TYPE_CHECKING:
    from tests.faults.world import World

Play = Callable[["World", Run], Outcome]


@dataclass(frozen=True)
class WorldOptions:
    """
    What a world is like; scenarios with equal options share one.

    `proxied`: services that are reached through a proxy, of postgresql, redis and simulator.
    `environment`: what differs in the portal's environment. `embedded`: SQLite, nothing else.
    `disk_megabytes`: the database has a file system of this size to itself; 0: it shares the machine's.
    """

    proxied: frozenset[str] = frozenset()
    environment: tuple[tuple[str, str], ...] = ()
    embedded: bool = False
    disk_megabytes: int = 0


@dataclass(frozen=True)
class Scenario:
    """One fault: its number, a sentence, how many events it pushes, and the function that plays it."""

    name: str
    sentence: str
    play: Play
    events: int
    quick_events: int
    options: WorldOptions = field(default_factory=WorldOptions)
    fresh_world: bool = False


_scenarios: dict[str, Scenario] = {}


def scenario(
    name: str,
    sentence: str,
    *,
    events: int = 2000,
    quick_events: int = 300,
    proxied: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    embedded: bool = False,
    disk_megabytes: int = 0,
    fresh_world: bool = False,
) -> Callable[[Play], Play]:
    """Register a scenario; raises ValueError when its name is taken."""
    options = WorldOptions(
        frozenset(proxied), tuple(sorted((environment or {}).items())), embedded, disk_megabytes
    )

    def register(play: Play) -> Play:
        if name in _scenarios:
            raise ValueError(f"there is a scenario {name} already")
        _scenarios[name] = Scenario(name, sentence, play, events, quick_events, options, fresh_world)
        return play

    return register


def find_scenario(name: str) -> Scenario:
    """Return a scenario whose module was imported; raises KeyError for another name."""
    return _scenarios[name]


def all_scenarios() -> list[Scenario]:
    """Return every scenario in the order of their numbers."""
    package = importlib.import_module("tests.faults.scenarios")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return sorted(_scenarios.values(), key=lambda each: _order(each.name))


def _order(name: str) -> tuple[str, int, str]:
    letters = name.rstrip("0123456789-abcdefghijklmnopqrstuvwxyz")
    number = "".join(character for character in name[len(letters) :] if character.isdigit())
    return letters, int(number or 0), name
