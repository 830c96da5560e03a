"""Restarting processes in an orderly way, one after another, as a deploy does."""

import os
import signal

from tests.faults.world import World
from tests.journeys.processes import eventually

# Callbacks last: what they need is new by then.
ALL = ("dispatcher", "beat", "worker", "web", "callback")
_END_SECONDS = 30.0


def roll(world: World, names: tuple[str, ...] = ALL, **environment: str) -> None:
    """Ask each to end, and wait until the portal is ready again; `environment`: what differs from now on."""
    world.stack.env = {**world.stack.env, **environment}
    for name in names:
        world.processes[name].env.update(environment)
        _restart(world, name)


def _restart(world: World, name: str) -> None:
    """Signal the process alone, as supervisors do: it knows how to end what it has started."""
    process = world.processes[name]
    pid = process.pid
    world.note(f"SIGTERM {name}")
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: process.pid != pid, within=_END_SECONDS, what=f"{name} ends and is started again")
    world.wait_until_ready()
