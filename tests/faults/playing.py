"""Playing scenarios, those of the same kind of world one after another in one world."""

import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.faults.embedded_world import EmbeddedWorld
from tests.faults.outcome import Outcome, Run, Skipped
from tests.faults.registry import Scenario, WorldOptions
from tests.faults.report import Result, schedule_of
from tests.faults.world import World


class Player:
    """Plays scenarios; a world is kept for the next one as long as it is whole and of the right kind."""

    def __init__(self, *, folder: Path | None = None, tell: Callable[[str], None] = print) -> None:
        """`folder`: where ledgers and logs are kept; without one they are removed when all went well."""
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="isv-portal-faults-"))
        self._tell = tell
        self._world: World | None = None
        self._worlds = 0
        self._all_well = True

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end_world()
        if self._all_well and not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif not self._all_well:
            self._tell(f"ledgers and logs: {self.folder}")

    def world_of(self, options: WorldOptions) -> World:
        """Return a running world of this kind: the one that there is, or a new one in place of it."""
        if self._world is not None and self._world.options != options:
            self._end_world()
        if self._world is None:
            self._worlds += 1
            folder = self.folder / f"world-{self._worlds}"
            folder.mkdir(parents=True)
            self._tell("starting a world ...")
            kind = EmbeddedWorld if options.embedded else World
            self._world = kind(folder, options).start()
        return self._world

    def play(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        events: int | None = None,
        is_quick: bool = False,
    ) -> Result:
        """Play one scenario and return what came of it; whatever it raises is a failure."""
        seed = random.SystemRandom().randrange(10**6) if seed is None else seed
        usual = scenario.quick_events if is_quick else scenario.events
        folder = self.folder / f"{scenario.name}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(
            name=scenario.name,
            events=usual if events is None else events,
            seed=seed,
            folder=folder,
            is_quick=is_quick,
            tell=self._tell,
        )
        skipped = ""
        outcome: Outcome | None = None
        try:
            if scenario.fresh_world:
                self._end_world()
            world = self.world_of(scenario.options)
        except Skipped as reason:
            return Result(scenario, seed, run.events, 0.0, [], None, str(reason))
        began = time.time()
        try:
            outcome = scenario.play(world, run)
        except Skipped as reason:
            skipped = str(reason)
        except Exception as error:  # noqa: BLE001 - the other scenarios are played nevertheless
            (folder / "traceback.txt").write_text(traceback.format_exc(), encoding="utf-8")
            outcome = Outcome(problems=[f"{type(error).__name__}: {error}"[:4000]])
        seconds = time.time() - began
        schedule = schedule_of(world.faults.read(), since=began)
        self._leave(world, scenario, passed=outcome is None or outcome.passed)
        return Result(scenario, seed, run.events, seconds, schedule, outcome, skipped)

    def _leave(self, world: World, scenario: Scenario, *, passed: bool) -> None:
        self._all_well &= passed
        if not passed or scenario.fresh_world:
            self._end_world()
            return
        try:
            world.heal()
        except Exception:  # noqa: BLE001 - then the next scenario gets another world
            self._tell("the world could not be healed")
            self._end_world()

    def _end_world(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None
