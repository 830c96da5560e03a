"""
Who makes a call, and whether it can wait: told by those who know, for the calls that a thread makes inside.

A call with a company's token does not say whose token that is, though DingTalk counts by it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WORKER_PATIENCE_SECONDS = 1.5
# (suite key, corp id)
_owner: ContextVar[tuple[str, str]] = ContextVar("dingtalk_call_owner", default=("", ""))
_patience: ContextVar[float] = ContextVar("dingtalk_call_patience", default=0.0)


@contextmanager
def on_behalf_of(*, suite_key: str, corp_id: str = "") -> Iterator[None]:
    """Let the calls inside, where they do not say it themselves, count as those of this suite and company."""
    token = _owner.set((suite_key, corp_id))
    try:
        yield
    finally:
        _owner.reset(token)


@contextmanager
def with_patience(*, seconds: float = WORKER_PATIENCE_SECONDS) -> Iterator[None]:
    """
    Let each call inside wait so long for its turn before it is held back: for workers only.

    Where somebody is on the line nobody waits: the answer says at once when to come again.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def current_owner() -> tuple[str, str]:
    """Return suite key and corp id of whom the calls of this thread are made for; empty when not known."""
    return _owner.get()


def current_patience() -> float:
    """Return how many seconds a call of this thread may wait for its turn."""
    return _patience.get()
