"""
Work notifications on their way: tasks, what became of each person's copy, and what limits drop in silence.

Time is the simulator's clock. Limits are counted for one app at one company; the day is that of China.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

# forbidden_list[].code of the result page, of ISV apps.
TOO_MANY_PER_MINUTE, TOO_MANY_PER_DAY, SAME_CONTENT = 143203, 143205, 143206

_CHINA = timezone(timedelta(hours=8))
_MINUTE_MS = 60_000


@dataclass(slots=True)
class Template:
    """A message template of a suite; only an approved one can be sent by."""

    template_id: str
    name: str
    is_approved: bool


@dataclass(slots=True)
class Copy:
    """One person's copy of a message; `dropped`: the code of the limit that kept it back, 0 if none did."""

    dropped: int = 0
    is_read: bool = False


@dataclass(slots=True)
class Task:
    """
    One accepted send; `message` is what was sent, `copies` are those of the people it is for.

    `named`: how many receivers the sender named. `content`: what was sent as text, by which two are the same.
    """

    task_id: int
    suite_key: str
    corp_id: str
    agent_id: int
    at_ms: int
    message: dict[str, Any]
    copies: dict[str, Copy]
    named: int
    invalid_userids: list[str] = field(default_factory=list)
    invalid_dept_ids: list[int] = field(default_factory=list)
    content: str = ""
    is_recalled: bool = False

    @property
    def app(self) -> tuple[str, str, int]:
        """What limits are counted for: one agent of one company."""
        return self.suite_key, self.corp_id, self.agent_id


class Mailroom:
    """All tasks, the newest last."""

    def __init__(self) -> None:
        self.tasks: dict[int, Task] = {}
        self._last_id = 256_271_667_000

    def accept(self, task: Task, *, per_person_and_day: int, per_minute: int) -> Task:
        """Take a task in under a new id, and mark the copies that a limit drops."""
        task.content = json.dumps(task.message, sort_keys=True)
        earlier = [other for other in self.tasks.values() if other.app == task.app]
        left = per_minute - _copies_since(earlier, task.at_ms - _MINUTE_MS)
        for userid, copy in task.copies.items():
            copy.dropped = TOO_MANY_PER_MINUTE if left <= 0 else 0
            left -= 1
            copy.dropped = copy.dropped or _limit_per_person(earlier, task, userid, per_person_and_day)
        self._last_id += 1
        task.task_id = self._last_id
        self.tasks[task.task_id] = task
        return task

    def sent_to(self, *, suite_key: str, corp_id: str) -> list[Task]:
        """The tasks of a suite for a company, the oldest first."""
        return [
            task for task in self.tasks.values() if (task.suite_key, task.corp_id) == (suite_key, corp_id)
        ]


def _copies_since(tasks: list[Task], since_ms: int) -> int:
    return sum(len(task.copies) for task in tasks if task.at_ms > since_ms)


def _limit_per_person(earlier: list[Task], task: Task, userid: str, per_person_and_day: int) -> int:
    """The limit that this person's copy exceeds, or 0; what was dropped before does not count."""
    got = [
        other
        for other in earlier
        if _day(other.at_ms) == _day(task.at_ms)
        and userid in other.copies
        and not other.copies[userid].dropped
    ]
    if any(other.content == task.content for other in got):
        return SAME_CONTENT
    return TOO_MANY_PER_DAY if len(got) >= per_person_and_day else 0


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_CHINA).date().isoformat()
