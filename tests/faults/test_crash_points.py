"""Every crash point is a place that exists; armed, it kills whoever comes by first, once, and only there."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults import crash_points, crashing_app
from tests.faults.crash_points import ALL, CrashFolder, CrashPoint, Moment

TARGET = "tests.faults.test_crash_points:VICTIM.act"
VICTIM = SimpleNamespace(act=lambda: print("acting", flush=True))


def act_in_a_process(folder: Path, moment: str) -> subprocess.CompletedProcess[str]:
    """Have a process of its own act twice with a crash point around it."""
    code = "import sys; from tests.faults import test_crash_points; test_crash_points.crash(*sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, str(folder), moment],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=30,
        check=False,
    )


def crash(folder: str, moment: str) -> None:
    """What that process does."""
    crashing_app.wrap(CrashPoint("here", TARGET, Moment(moment)), CrashFolder(Path(folder)).path)
    VICTIM.act()
    print("returned", flush=True)
    time.sleep(4 * crashing_app.SOON_SECONDS)
    print("lives on", flush=True)


@pytest.mark.parametrize(
    ("moment", "said"),
    [("before", ""), ("after", "acting\n"), ("soon after", "acting\nreturned\n")],
)
def test_who_comes_by_an_armed_point_is_killed_there_and_only_once(tmp_path: Path, moment: str, said: str):
    folder, point = CrashFolder(tmp_path), CrashPoint("here", TARGET, Moment(moment))
    folder.arm(point)

    first, second = act_in_a_process(tmp_path, moment), act_in_a_process(tmp_path, moment)

    assert (first.returncode, first.stdout) == (-signal.SIGKILL, said)
    assert (second.returncode, second.stdout) == (0, "acting\nreturned\nlives on\n")
    assert folder.disarm(point)


def test_nobody_is_killed_at_a_point_that_is_not_armed(tmp_path: Path):
    folder, point = CrashFolder(tmp_path), CrashPoint("here", TARGET, Moment.BEFORE)
    folder.arm(point)

    assert not folder.disarm(point)
    assert act_in_a_process(tmp_path, "before").returncode == 0


@pytest.mark.parametrize("point", ALL, ids=lambda point: point.name)
def test_every_point_is_a_place_that_exists(point: CrashPoint):
    assert callable(crashing_app.find(point)[2])


def test_every_point_has_a_name_of_its_own():
    names = [point.name for point in crash_points.ALL]

    assert len(names) == len(set(names))
