"""A suite's callback token and EncodingAESKey are changed while events come: F42."""

import dataclasses
import json
import threading

from dingtalk.simulator.crypto import EnvelopeKeys
from tests.faults.outcome import Outcome, Run
from tests.faults.pusher import Reply, Target, send
from tests.faults.registry import scenario
from tests.faults.traffic import Traffic
from tests.faults.world import World
from tests.journeys.stack import LEGACY, SYNC_HTTP

_TRIES_AFTERWARDS = 20
_IMPORTS = (
    "import json; from django.utils import timezone; from dingtalk import suites;"
    "from dingtalk.models import Suite; from dingtalk.foundation.audit import Actor;"
    "actor = Actor('command', 'faults');"
)
_CHANGE = (
    "new = dict(callback_token=suites.generate_callback_token(),"
    " encoding_aes_key=suites.generate_encoding_aes_key());"
    "suites.change_suite(suite, changes=new, actor=actor, now=timezone.now());"
    "print(json.dumps(new))"
)
_END = (
    "[suites.end_previous(suite, name=name, actor=actor, now=timezone.now())"
    " for name in ('callback_token', 'encoding_aes_key')]"
)


@scenario(
    "F42",
    "A suite's token and key are changed; old and new arrive mixed, then the old ones end",
    fresh_world=True,
)
def secrets_changed(world: World, run: Run) -> Outcome:
    """In the overlap both are right; from its end on the old ones are refused, and the new ones are not."""
    keys = _Keys()
    before = {key: Target.of(world.simulator.suite(key)) for key in (SYNC_HTTP, LEGACY)}

    def deliver(target: Target, message: str) -> list[Reply]:
        return [send(keys.choose(target), message)]

    with Traffic(world, run, deliver=deliver) as traffic:
        for number in traffic.moments(2, first=0.25, last=0.75):
            for target in before.values():
                if number == 0:
                    keys.add(target, _change(world, target))
                else:
                    keys.stop_using_old(target)
    refused_in_overlap = sum(
        record["answer"] == "status 400" for record in traffic.histories().pushed if record["what"] == "try"
    )
    for target in before.values():
        _end_previous(world, target)
    old, new = [
        [send(target, _URL_CHECK).answer for target in targets for _ in range(_TRIES_AFTERWARDS)]
        for targets in (before.values(), keys.new_targets())
    ]
    figures = {
        "genuine refused in the overlap": refused_in_overlap,
        "old ones accepted afterwards": old.count("success"),
        "new ones refused afterwards": len(new) - new.count("success"),
    }
    problems = [f"{count} {name}" for name, count in figures.items() if count]
    return traffic.outcome(figures=figures, problems=problems)


class _Keys:
    """Which keys DingTalk signs with: before, only the old ones; then both, turn by turn; then the new."""

    def __init__(self) -> None:
        self._new: dict[str, Target] = {}
        self._only_new: set[str] = set()
        self._turn = 0
        self._lock = threading.Lock()

    def add(self, target: Target, keys: EnvelopeKeys) -> None:
        self._new[target.suite_key] = dataclasses.replace(target, keys=keys)

    def stop_using_old(self, target: Target) -> None:
        self._only_new.add(target.suite_key)

    def new_targets(self) -> list[Target]:
        return list(self._new.values())

    def choose(self, target: Target) -> Target:
        with self._lock:
            self._turn += 1
            is_turn_of_new = self._turn % 2 == 0
        new = self._new.get(target.suite_key)
        if new is None or not (is_turn_of_new or target.suite_key in self._only_new):
            return target
        return new


_URL_CHECK = json.dumps({"EventType": "check_url"})


def _change(world: World, target: Target) -> EnvelopeKeys:
    """Give the suite a new token and a new key, as the admin's page does; return them."""
    world.note(f"new token and key for {target.suite_key}")
    new = json.loads(world.stack.python(_IMPORTS + _of(target) + _CHANGE))
    return EnvelopeKeys(new["callback_token"], new["encoding_aes_key"], target.suite_key)


def _end_previous(world: World, target: Target) -> None:
    world.note(f"the previous token and key of {target.suite_key} end")
    world.stack.python(_IMPORTS + _of(target) + _END)


def _of(target: Target) -> str:
    return f"suite = Suite.objects.get(suite_key={target.suite_key!r});"
