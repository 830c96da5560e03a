"""
Crash points: named places in the portal's code at which a process is killed as by `kill -9`, all enumerated.

The portal knows nothing of them, so there is nothing in it to be left on by mistake. A process that runs with
the settings `tests.faults.crashing_settings` has the functions named here wrapped when it starts
(`crashing_app`); a point does nothing until a run arms it, and then kills once: the process group of whoever
comes by first.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.journeys.processes import eventually

# What makes a process able to crash.
ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.faults.crashing_settings"}


class Moment(StrEnum):
    """When, as seen from a function: `soon after` leaves the time in which an answer goes out."""

    BEFORE = "before"
    AFTER = "after"
    SOON_AFTER = "soon after"


@dataclass(frozen=True)
class CrashPoint:
    """One place. `target`: module and attribute, the function as it is looked up by its caller."""

    name: str
    target: str
    moment: Moment


# What happens to a push until it is acknowledged.
RECEIVING = (
    CrashPoint("push verified", "dingtalk.pushes:store_push", Moment.BEFORE),
    CrashPoint("push committed", "dingtalk.pushes:store_push", Moment.AFTER),
    CrashPoint("reply sealed", "dingtalk.callbacks:seal_reply", Moment.AFTER),
    CrashPoint("reply sent", "dingtalk.callbacks:receive", Moment.SOON_AFTER),
)
# What happens to it from then on, until its events have taken effect and are offered to apps.
HANDLING = (
    CrashPoint("push found", "dingtalk.split_queue:split_pushes", Moment.BEFORE),
    CrashPoint("events inserted", "dingtalk.splitting:_supersede", Moment.BEFORE),
    CrashPoint("push split", "dingtalk.split_queue:split_pushes", Moment.AFTER),
    CrashPoint("positions given", "dingtalk.feed:_give_positions", Moment.AFTER),
    CrashPoint("event claimed", "dingtalk.inbox:claim_event", Moment.AFTER),
    CrashPoint("effect written", "dingtalk.inbox:_finish", Moment.BEFORE),
    CrashPoint("event marked", "dingtalk.inbox:_finish", Moment.AFTER),
    CrashPoint("event committed", "dingtalk.inbox:_handle", Moment.AFTER),
)
# What happens to a temporary code until its permanent code is stored and the company activated.
EXCHANGING = (
    CrashPoint("code found", "tenants.code_exchange:_call", Moment.BEFORE),
    CrashPoint("exchange recorded", "dingtalk.client:DingTalkClient.get_permanent_code", Moment.BEFORE),
    CrashPoint("code spent", "dingtalk.client:DingTalkClient.get_permanent_code", Moment.AFTER),
    CrashPoint("permanent code written", "tenants.code_exchange:_discard_twins", Moment.BEFORE),
    CrashPoint("permanent code committing", "tenants.code_exchange:_discard_twins", Moment.AFTER),
    CrashPoint("permanent code committed", "tenants.code_exchange:_store", Moment.AFTER),
    CrashPoint("company activated", "tenants.steps:_activate", Moment.AFTER),
)
ALL = (*RECEIVING, *HANDLING, *EXCHANGING)


class CrashFolder:
    """Where points are armed: a folder in the portal's data directory, which run and processes share."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "crash-points"
        self.path.mkdir(parents=True, exist_ok=True)

    def arm(self, point: CrashPoint) -> None:
        """Let the next one who comes by be killed."""
        crashed_file(self.path, point).unlink(missing_ok=True)
        armed_file(self.path, point).touch()

    def disarm(self, point: CrashPoint) -> bool:
        """Let nobody be killed any more; return whether somebody was."""
        armed_file(self.path, point).unlink(missing_ok=True)
        return crashed_file(self.path, point).exists()

    def wait_for(self, point: CrashPoint, *, within: float) -> None:
        """Wait until somebody was killed; fails with AssertionError."""
        crashed = crashed_file(self.path, point)
        eventually(crashed.exists, within=within, what=f"somebody crashes at {point.name!r}")


def armed_file(folder: Path, point: CrashPoint) -> Path:
    """Return the file that arms a point."""
    return folder / f"{point.name}.armed"


def crashed_file(folder: Path, point: CrashPoint) -> Path:
    """Return the file that says that somebody was killed there."""
    return folder / f"{point.name}.crashed"
