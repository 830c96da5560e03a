"""The demo, as somebody runs it first: it plays to the end, says where to look, and leaves nothing."""

import os
import signal
import subprocess
import time

import pytest

from tests.journeys.processes import ROOT, manage
from tests.support.checkout import clean_environment
from tests.support.services import free_port

pytestmark = pytest.mark.journey


def demo_command(*arguments: str) -> list[str]:
    return manage("demo", "--port", str(free_port()), "--simulator-port", str(free_port()), *arguments)


def processes_below(folder: str) -> list[str]:
    """The command lines of processes whose environment names a folder."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                with open(f"/proc/{entry.name}/environ", "rb") as environ:
                    if folder.encode() in environ.read():
                        found.append(entry.name)
            except OSError:
                continue
    return found


def test_the_demo_plays_every_step_and_ends_with_success(tmp_path):
    done = subprocess.run(
        demo_command("--once"),
        cwd=ROOT,
        env=clean_environment(TMPDIR=str(tmp_path), COLUMNS="160"),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "✗" not in done.stdout
    assert done.stdout.count("✓") == 23
    assert "/admin/" in done.stdout
    assert "curl -H 'Authorization: Bearer isv_" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_below(str(tmp_path)) == []


def test_the_demo_ends_everything_when_it_is_interrupted_early(tmp_path):
    demo = subprocess.Popen(
        demo_command(),
        cwd=ROOT,
        env=clean_environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(6)

    demo.send_signal(signal.SIGINT)
    output, _nothing = demo.communicate(timeout=40)

    assert "Ended." in output
    assert processes_below(str(tmp_path)) == []
