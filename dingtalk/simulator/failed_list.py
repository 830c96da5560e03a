"""
What could not be pushed to a company's callbacks, until it is fetched.

Source: `obtain-the-event-list-of-failed-push-messages`: at most 200 at a time, and each call drops what the
one before it returned.
"""

import contextlib
import json
from collections import defaultdict
from typing import Any

PAGE_SIZE = 200

_APPROVALS = frozenset({"bpms_instance_change", "bpms_task_change"})
_ENVELOPE = frozenset({"EventType", "TimeStamp", "SuiteKey", "AuthCorpId", "CorpId"})


class FailedList:
    """The entries by suite and company: those that wait, and those that were returned last."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self._returned: dict[tuple[str, str], int] = {}

    def add(self, suite_key: str, content: dict[str, Any]) -> None:
        """Keep the events of a push that was given up; what is no event of a company has no place here."""
        with contextlib.suppress(KeyError, TypeError, ValueError):
            for entry in _entries(content):
                corp_id = entry[entry["call_back_tag"]]["corpid"]
                self._waiting[suite_key, corp_id].append(entry)

    def next_page(self, suite_key: str, corp_id: str) -> tuple[list[dict[str, Any]], bool]:
        """Drop what was returned last, and return what comes next, and whether there is more."""
        waiting = self._waiting[suite_key, corp_id]
        del waiting[: self._returned.get((suite_key, corp_id), 0)]
        page = waiting[:PAGE_SIZE]
        self._returned[suite_key, corp_id] = len(page)
        return page, len(waiting) > len(page)


def _entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    if "bizData" in content:
        return [_row_entry(row) for row in content["bizData"]]
    tag = str(content["EventType"])
    corp_id = content.get("AuthCorpId") or content["CorpId"]
    fields = {name: value for name, value in content.items() if name not in _ENVELOPE}
    value = {"bpmsCallBackData": fields} if tag in _APPROVALS else fields
    return [_entry(tag, int(content["TimeStamp"]), {"corpid": corp_id, **value})]


def _row_entry(row: dict[str, Any]) -> dict[str, Any]:
    data = json.loads(row["biz_data"])
    value = {"corpid": row["corp_id"], "callbackData": data}
    return _entry(data["syncAction"], row["gmt_modified"], value)


def _entry(tag: str, event_time: int, value: dict[str, Any]) -> dict[str, Any]:
    return {"call_back_tag": tag, "event_time": event_time, tag: value}
