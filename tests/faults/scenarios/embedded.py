"""Goal G18: processes that die, copies and any order on SQLite, with the portal as one command."""

from tests.faults.registry import find_scenario, scenario
from tests.faults.scenarios import order, processes

# F19 and F20 are played on SQLite only.
_ON_SQLITE_TOO = {
    processes: ("F1", "F2", "F3", "F4", "F6"),
    order: ("F5", "F12", "F13", "F14"),
}
# One machine, one writer.
_SHARE = 4

for _names in _ON_SQLITE_TOO.values():
    for _name in _names:
        _original = find_scenario(_name)
        scenario(
            f"G18-{_name}",
            f"{_original.sentence} (SQLite)",
            events=_original.events // _SHARE,
            quick_events=_original.quick_events // 2,
            embedded=True,
        )(_original.play)
