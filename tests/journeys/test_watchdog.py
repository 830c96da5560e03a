"""A worker that freezes is replaced, and the story goes on."""

import os
import re
import signal
from pathlib import Path

import pytest
import requests

from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import SYNC_HTTP, Stack

pytestmark = pytest.mark.journey

COMPANY = "dingcorp00000001"


def workers_of(stack: Stack) -> list[int]:
    """The ids of the workers that were started, the newest last."""
    return [int(pid) for pid in re.findall(r"worker started \(pid (\d+)\)", stack.processes["portal"].log())]


def is_at_work(stack: Stack) -> bool:
    worker = requests.get(f"{stack.base_url}/readyz", timeout=5).json()["details"]["processes"]["worker"]
    return worker["at_work"] == 1 and worker["last_progress_seconds"] < 15


def test_a_frozen_worker_of_the_embedded_portal_is_replaced(tmp_path: Path) -> None:
    stack = Stack(tmp_path).start()
    try:
        (frozen,) = eventually(lambda: workers_of(stack), within=20)
        eventually(lambda: list((tmp_path / "data" / "heartbeats").glob("worker-*")), within=20)

        os.kill(frozen, signal.SIGSTOP)
        operator = Operator(stack)
        operator.register_suite(SYNC_HTTP)
        assert stack.simulator.push_ticket(SYNC_HTTP)["accepted"]

        eventually(lambda: len(workers_of(stack)) == 2, within=40, what="another worker was started")
        assert "worker gives no sign of life" in stack.processes["portal"].log()
        assert not Path(f"/proc/{frozen}").exists()
        eventually(lambda: is_at_work(stack), within=20, what="the new one is at work")
        assert stack.simulator.act(SYNC_HTTP, COMPANY, "authorize")["accepted"]
        eventually(lambda: operator.tenant(SYNC_HTTP, COMPANY, state="active"), within=20)
    finally:
        stack.stop()
