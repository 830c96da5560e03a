"""`manage.py simulator` as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from tests.dingtalk.simulator.isv import eventually

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"suites": [{"suite_key": "suitecommand"}]}))
    command = [sys.executable, "manage.py", "simulator", "--port", "0", "--seed", str(seed)]
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(
            [*command, "--state-out", str(tmp_path / "state.json"), "--token-lifetime", "60"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"},
            stdout=log,
            stderr=log,
        )
    yield started
    started.kill()
    started.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_needs_no_database_says_what_it_is_and_ends_cleanly(
    process: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
):
    state_path = tmp_path / "state.json"
    eventually(lambda: state_path.exists() or process.poll() is not None)
    state = json.loads(state_path.read_text())

    answer = requests.get(state["base_url"], timeout=10)
    process.send_signal(number)

    assert process.wait(timeout=10) == 0
    assert "not DingTalk" in answer.text
    assert state["suites"][0]["suite_key"] == "suitecommand"
    assert state["options"]["token_lifetime_seconds"] == 60
    said = (tmp_path / "log").read_text()
    assert "development and tests only" in said
    assert state["base_url"] in said
    assert "Traceback" not in said
    assert not state_path.exists()


def test_a_port_that_is_taken_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(CommandError, match="Cannot listen"):
            call_command("simulator", port=taken.getsockname()[1])


def test_a_bad_seed_is_an_error(tmp_path: Path):
    with pytest.raises(CommandError, match="seed"):
        call_command("simulator", port=0, seed=tmp_path / "nothing.json")


@pytest.mark.parametrize("delays", ["a", "1,-1"])
def test_bad_delays_are_an_error(delays: str):
    with pytest.raises(CommandError, match="retry-delays"):
        call_command("simulator", port=0, retry_delays=delays)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("dingtalk.simulator.server")]:
        monkeypatch.delitem(sys.modules, name)
    import dingtalk.simulator

    monkeypatch.delattr(dingtalk.simulator, "server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    with pytest.raises(CommandError, match=r"requirements-simulator\.txt"):
        call_command("simulator", port=0)
