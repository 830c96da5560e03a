"""What the control interface shows of work notifications, and what a person does with theirs."""

from typing import Any

from dingtalk.simulator.control_input import NotFound
from dingtalk.simulator.mailroom import Task
from dingtalk.simulator.world import Company, Suite, World


def list_messages(world: World, suite: Suite, company: Company, *, userid: str) -> list[dict[str, Any]]:
    """Everything that was accepted, the oldest first; with a userid only what this person was to get."""
    tasks = world.mailroom.sent_to(suite_key=suite.suite_key, corp_id=company.corp_id)
    return [_described(task) for task in tasks if userid in ("", *task.copies)]


def read_messages(world: World, suite: Suite, company: Company, body: dict[str, Any]) -> int:
    """Mark a person's copies as read; how many there were."""
    userid = body.get("userid")
    if not isinstance(userid, str) or userid not in company.people:
        raise NotFound("no such person")
    copies = [
        task.copies[userid]
        for task in world.mailroom.sent_to(suite_key=suite.suite_key, corp_id=company.corp_id)
        if userid in task.copies and not (task.is_recalled or task.copies[userid].dropped)
    ]
    for copy in copies:
        copy.is_read = True
    return len(copies)


def _described(task: Task) -> dict[str, Any]:
    """A task; it is delivered to those whose copy no limit has dropped."""
    return {
        "task_id": task.task_id,
        "agent_id": task.agent_id,
        "at_ms": task.at_ms,
        "message": task.message,
        "recalled": task.is_recalled,
        "delivered_to": [userid for userid, copy in task.copies.items() if not copy.dropped],
        "read_by": [userid for userid, copy in task.copies.items() if copy.is_read],
        "dropped": {userid: copy.dropped for userid, copy in task.copies.items() if copy.dropped},
        "invalid_userids": task.invalid_userids,
    }
