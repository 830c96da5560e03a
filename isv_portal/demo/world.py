"""What the demo starts and ends: a simulator and an embedded portal, on a data directory of their own."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from django.conf import settings

from dingtalk.simulator.remote import SimulatorRemote
from isv_portal.child_process import ChildProcess, ProcessSpec

READY_SECONDS = 45
COMMAND_SECONDS = 60
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT")


class DemoFailed(Exception):
    """The demo cannot go on; the text says why and where to look."""


class DemoWorld:
    """A running simulator and portal. Use as a context manager: everything ends when it ends."""

    def __init__(self, directory: Path, *, port: int, simulator_port: int) -> None:
        self.directory = directory
        self.port = free_port_near(port)
        self.simulator = SimulatorRemote(f"http://127.0.0.1:{free_port_near(simulator_port)}")
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.admin_password = secrets.token_urlsafe(9)
        self._children: list[ChildProcess] = []

    def __enter__(self) -> "DemoWorld":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start both and wait until they answer; raises DemoFailed."""
        simulator_port = self.simulator.base_url.rpartition(":")[2]
        self._spawn("simulator", "simulator", "--port", simulator_port, "--state-out", str(self._state_file))
        self._spawn("portal", "portal", "--port", str(self.port))
        self._wait_for(f"{self.simulator.base_url}/_sim/state", "simulator")
        self._wait_for(f"{self.base_url}/readyz", "portal")

    def stop(self) -> None:
        """End both, the portal first."""
        for child in reversed(self._children):
            child.ask_to_end()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and not all(child.has_ended() for child in self._children):
            time.sleep(0.1)
        for child in self._children:
            child.end_group()
        self._children.clear()

    def manage(self, *arguments: str, stdin: str = "", **environment: str) -> str:
        """Run a management command of the demo's portal and return what it printed; raises DemoFailed."""
        done = subprocess.run(  # noqa: S603 — commands of ours, no shell
            self._command(*arguments),
            env={**self._environment(), **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(
                f"manage.py {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-800:]}"
            )
        return done.stdout

    def manage_json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with --json and return what it printed as data."""
        return json.loads(self.manage(*arguments, "--json", stdin=stdin))

    @property
    def _state_file(self) -> Path:
        return self.directory / "simulator-state.json"

    def _spawn(self, name: str, *arguments: str) -> None:
        log = self.directory / f"{name}.log"
        spec = ProcessSpec(name, self._command(*arguments), env=self._environment(), log=log)
        self._children.append(ChildProcess(spec))

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return {
            **kept,
            "ENV_FILE": os.devnull,  # the demo is not the portal that a .env describes
            "DATA_DIR": str(self.directory / "data"),
            "PUBLIC_BASE_URL": self.base_url,
            "DINGTALK_OAPI_BASE_URL": self.simulator.base_url,
            "DINGTALK_API_BASE_URL": self.simulator.base_url,
            "DINGTALK_LOGIN_BASE_URL": self.simulator.base_url,
            "PYTHONUNBUFFERED": "1",
        }

    def _wait_for(self, url: str, name: str) -> None:
        wait_until(
            lambda: _answers(url), seconds=READY_SECONDS, what=f"{name} answers", alive=self._check_alive
        )

    def _check_alive(self) -> None:
        for child in self._children:
            if child.has_ended():
                tail = (self.directory / f"{child.name}.log").read_text(errors="replace")[-1500:]
                raise DemoFailed(f"{child.name} ended by itself:\n{tail}")


def wait_until(
    look: Callable[[], Any], *, seconds: float, what: str, alive: Callable[[], None] = lambda: None
) -> Any:
    """Look until there is something to see and return it; raises DemoFailed when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        alive()
        if time.monotonic() > deadline:
            raise DemoFailed(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)


def free_port_near(wanted: int) -> int:
    """Return the wanted port of the loopback if nobody has it, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed("no free port on the loopback")


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
