"""
What a company's tenant may be in the end, by the events alone.

An acknowledged event has its effect, in the order of DingTalk's time. One that was never acknowledged may
have been stored nevertheless, and the portal may have learned of it by asking DingTalk: it may have its
effect.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ABSENT, ACTIVE, STOPPED, RELIEVED = "absent", "active", "stopped", "relieved"


@dataclass(frozen=True, order=True)
class Deed:
    """One event about an authorisation."""

    platform_ms: int
    action: str
    is_certain: bool


def possible_states(deeds: Iterable[Deed]) -> frozenset[str]:
    """Return every state that the deeds can lead to."""
    states = {ABSENT}
    for deed in sorted(deeds):
        after = {state for before in states for state in _after(deed.action, before)}
        states = after if deed.is_certain else states | after
    return frozenset(states)


def _after(action: str, state: str) -> set[str]:
    if action == "relieve":
        return {RELIEVED}
    if action == "authorize":
        return {ACTIVE}
    if action == "change":
        # The whole grant comes with it, also when a restore before it was lost; or only its scope.
        return {ACTIVE, STOPPED} if state == STOPPED else {ACTIVE}
    if state not in (ACTIVE, STOPPED):
        return {state}
    return {STOPPED} if action == "stop" else {ACTIVE}
