"""
Two minutes of everything: faults of all kinds while companies authorise, change their minds and work.

FAULTS_SECONDS shortens the pushing, FAULTS_SEED repeats or changes what is chosen.
"""

import os

import pytest

from tests.faults.outcome import Outcome, Run
from tests.faults.playing import Player
from tests.faults.registry import Scenario
from tests.faults.scenarios.headline import play_mixed
from tests.faults.small_world import SMALL_WORLD
from tests.faults.world import World

SECONDS = int(os.environ.get("FAULTS_SECONDS", "75"))
SEED = int(os.environ.get("FAULTS_SEED", "4"))
RATE = 20.0
SECONDS_PER_FAULT = 5


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_or_doubled_or_late_whatever_is_killed_meanwhile(player: Player):
    def play(world: World, run: Run) -> Outcome:
        return play_mixed(world, run, faults=max(2, SECONDS // SECONDS_PER_FAULT), rate=RATE)

    events = int(SECONDS * RATE)
    scenario = Scenario(
        "mixed", "Faults of all kinds", play, events=events, quick_events=events, options=SMALL_WORLD
    )

    result = player.play(scenario, seed=SEED)

    assert result.verdict == "passed", f"{result}"
