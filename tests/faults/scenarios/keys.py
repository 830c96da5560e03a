"""Encryption keys that are changed under load, or that are wrong from the start: F41 and F43."""

import base64
import json
import secrets
import subprocess
import time
from typing import Any

from tests.faults.outcome import Outcome, Run
from tests.faults.registry import scenario
from tests.faults.rolling import roll
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.processes import manage

VARIABLE = "FIELD_ENCRYPTION_KEYS"
OLD, NEW = "j1", "k2"
_KILLED_WITHIN_SECONDS = 0.4
_LIMIT_SECONDS = 300.0
_START_SECONDS = 30.0
_PROCESSES = {
    "check": manage("check"),
    "dispatcher": manage("dispatcher"),
    "migrate": manage("migrate", "--no-input"),
}


@scenario(
    "F41",
    "The encryption key is changed under load, and whoever rotates is killed ten times",
    events=3000,
    quick_events=600,
    fresh_world=True,
)
def key_changed_under_load(world: World, run: Run) -> Outcome:
    """The steps of docs/operations.md, with ordinary restarts; afterwards nothing needs the old key."""
    old = world.stack.env[VARIABLE]
    new = f"{NEW}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    kills = 3 if run.is_quick else 10
    killed = 0
    with Traffic(world, run, rate=12.0 if run.is_quick else 15.0) as traffic:
        for number in traffic.moments(2 + kills, last=0.9):
            if number < 2:
                world.note("the new key is second" if number == 0 else "the new key is first")
                roll(world, **{VARIABLE: f"{old},{new}" if number == 0 else f"{new},{old}"})
            else:
                killed += _rotate_and_kill(world, run)
    left = _rotate(world)
    unused = _report(world, "--check-unused", OLD)["unused"]
    world.note("the old key is taken out")
    roll(world, **{VARIABLE: new})
    without_old = _rotate(world, "--dry-run")
    figures = {
        "rotations killed": killed,
        "rows": without_old["seen"],
        "left on the old key": left["left"] + without_old["left"],
        "unreadable": left["unreadable"] + without_old["unreadable"],
    }
    problems = [f"{figures[name]} {name}" for name in ("left on the old key", "unreadable") if figures[name]]
    if not unused:
        problems.append("something needs the old key")
    if not killed:
        problems.append("no rotation was killed while it was at work")
    return traffic.outcome(figures=figures, problems=problems)


def _rotate_and_kill(world: World, run: Run) -> bool:
    """Rotate, and kill it soon after the first row has changed; return whether it was still at work."""
    before = _under_old(world)
    with subprocess.Popen(
        manage("rotate_encryption_keys", "--json"),
        env=dict(world.stack.env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as rotating:
        deadline = time.monotonic() + _START_SECONDS
        while rotating.poll() is None and time.monotonic() < deadline and _under_old(world) >= before:
            time.sleep(0.02)
        time.sleep(run.random.uniform(0, _KILLED_WITHIN_SECONDS))
        is_at_work = rotating.poll() is None
        rotating.kill()
    if is_at_work:
        world.note("kill -9 rotate_encryption_keys")
    return is_at_work


def _under_old(world: World) -> int:
    """Return how many suites, pushes and events are under the old key."""
    tables = {"dingtalk_receivedpush": "body", "dingtalk_receivedevent": "payload"}
    prefix = f"v1:{OLD}:".encode()
    with world.postgresql.connect() as connection:
        counts = [
            connection.execute(
                f"SELECT count(*) FROM {table} WHERE substring({column} FROM 1 FOR %s) = %s",
                [len(prefix), prefix],
            ).fetchone()[0]
            for table, column in tables.items()
        ]
    return int(sum(counts))


def _rotate(world: World, *arguments: str) -> dict[str, int]:
    """Rotate to the end; return the sums over all models."""
    models = _report(world, *arguments)["models"]
    return {name: sum(model[name] for model in models) for name in ("seen", "left", "unreadable")}


def _report(world: World, *arguments: str) -> Any:
    """Return what the command reports, whatever its exit code."""
    done = subprocess.run(
        manage("rotate_encryption_keys", "--json", *arguments),
        env=dict(world.stack.env),
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    return json.loads(done.stdout)


@scenario("F43", "The keys are missing or cannot be used at the start", events=1, quick_events=1)
def unusable_keys(world: World, run: Run) -> Outcome:
    """Nothing starts; the message names the variable, and repeats nothing of what was given."""
    marker = secrets.token_hex(12)
    broken = {
        "no key": {VARIABLE: ""},
        "no id": {VARIABLE: marker},
        "not base64": {VARIABLE: f"k1:{marker}!"},
        "too short": {VARIABLE: f"k1:{base64.b64encode(marker[:16].encode()).decode()}"},
        "the same id twice": {VARIABLE: ",".join([world.stack.env[VARIABLE]] * 2)},
        "all zeros": {VARIABLE: f"k1:{base64.b64encode(bytes(32)).decode()}"},
        "short SECRET_KEY": {"SECRET_KEY": marker},
        "no SECRET_KEY": {"SECRET_KEY": ""},
    }
    problems: list[str] = []
    for what, changed in broken.items():
        for name, command in _PROCESSES.items():
            problems += [f"{what}, {name}: {problem}" for problem in _start(world, command, changed)]
    return Outcome({"broken settings": len(broken), "starts tried": len(broken) * len(_PROCESSES)}, problems)


def _start(world: World, command: list[str], changed: dict[str, str]) -> list[str]:
    """Start with changed settings; return what is wrong with how that was refused."""
    try:
        done = subprocess.run(
            command,
            env={**world.stack.env, **changed},
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ["it started"]
    said = done.stdout + done.stderr
    problems = [] if done.returncode else ["it ended well"]
    for variable, value in changed.items():
        if variable not in said:
            problems.append(f"the message does not name {variable}")
        secret = value.rpartition(":")[2]
        if secret and secret in said:
            problems.append("the message repeats the value")
    return problems
