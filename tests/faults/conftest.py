"""Scenarios as tests: one player for all of them, so that starting a world is paid once for each kind."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.playing import Player
from tests.faults.registry import all_scenarios
from tests.faults.report import Result

PlayScenario = Callable[..., Result]


@pytest.fixture(scope="session")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """Plays scenarios one after another; those of one kind of world share it."""
    with Player(folder=tmp_path_factory.mktemp("faults")) as playing:
        yield playing


@pytest.fixture
def play_scenario(player: Player) -> PlayScenario:
    """Play a scenario by name in its small size (or with `events`, and a `seed`); it has to pass."""

    def play(name: str, *, seed: int = 1, events: int | None = None) -> Result:
        scenario = next(each for each in all_scenarios() if each.name == name)
        result = player.play(scenario, seed=seed, events=events, is_quick=True)
        assert result.verdict == "passed", f"{result}"
        return result

    return play
