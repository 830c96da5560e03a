"""
The main job by Stream: no address of ours is known to DingTalk, and still a company becomes a tenant.

Then the process that holds the connection is killed, and another one goes on: nothing is lost, nothing
happens twice.
"""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.journeys.operator import Operator
from tests.journeys.processes import Process, eventually, manage
from tests.journeys.stack import STREAM, Stack

pytestmark = pytest.mark.journey

FIRST, SECOND = "dingcorp00000001", "dingcorp00000002"
# The lease of the processes that are started here, that of those that the portal starts, and what a process
# needs to start on a busy machine.
LEASE_SECONDS, USUAL_LEASE_SECONDS, START_SECONDS = 3, 15, 60


@pytest.fixture(scope="module")
def suite_key(stack: Stack, operator: Operator) -> str:
    """A suite of Stream mode; where the portal does not run the process itself, an operator does."""
    operator.register_suite(STREAM)
    stack.simulator._call("PUT", f"/_sim/suites/{STREAM}", {"callback_url": ""})
    if not stack.is_embedded:
        stack.start_stream()
    return STREAM


def connections(stack: Stack) -> list[dict[str, Any]]:
    found = stack.simulator._call("GET", "/_sim/stream/connections", params={"suite_key": STREAM})
    return list(found["connections"])


def events(stack: Stack) -> list[list[str]]:
    """Type, company and state of every event, in the order in which they were stored."""
    code = (
        "import json; from dingtalk.models import ReceivedEvent;"
        "print(json.dumps(list(ReceivedEvent.objects.order_by('id').values_list("
        "'event_type', 'corp_id', 'state'))))"
    )
    return list(json.loads(stack.python(code)))


def test_a_company_becomes_a_tenant_and_leaves(stack: Stack, operator: Operator, suite_key: str):
    simulator = stack.simulator
    eventually(lambda: connections(stack), within=START_SECONDS, what="the suite is connected")

    # The company authorises before there is any ticket, which then comes over the connection too.
    assert simulator.act(suite_key, FIRST, "authorize")["accepted"]
    eventually(lambda: operator.tenant(suite_key, FIRST, waiting_for="suite_ticket"))
    assert simulator.push_ticket(suite_key)["accepted"]
    eventually(lambda: operator.tenant(suite_key, FIRST, state="active"))

    token = operator.access_token(suite_key, FIRST).json()["access_token"]
    answer = requests.post(
        f"{simulator.base_url}/topapi/v2/department/listsub",
        params={"access_token": token},
        json={"dept_id": 1},
        timeout=5,
    )
    assert answer.json()["errcode"] == 0

    simulator.act(suite_key, FIRST, "change", dept_ids=[2], user_ids=[])
    eventually(lambda: operator.departments_in_scope(suite_key, FIRST) == [2], what="the scope followed")
    simulator.act(suite_key, FIRST, "stop")
    eventually(lambda: operator.tenant(suite_key, FIRST, state="stopped"))
    simulator.act(suite_key, FIRST, "relieve")
    eventually(lambda: operator.tenant(suite_key, FIRST, state="relieved"))

    (shown,) = stack.manage_json("stream", "--status")
    assert (shown["suite_key"], shown["state"], shown["last_error"]) == (suite_key, "connected", "")


@pytest.fixture
def takeover_seconds(stack: Stack, suite_key: str, tmp_path: Path) -> Iterator[float]:
    """
    Have somebody ready to take over; return within which time it has to.

    Embedded: the portal itself, which starts the process again. Services: a second process.
    """
    if stack.is_embedded:
        yield USUAL_LEASE_SECONDS + START_SECONDS
        return
    # The first one has to hold the connection: it is the one to be killed.
    eventually(lambda: connections(stack), within=START_SECONDS, what="the suite is connected")
    command = manage("stream", "--lease-seconds", str(LEASE_SECONDS))
    spare = Process("stream-2", command, env=dict(stack.env), log_dir=tmp_path).start()
    try:
        eventually(lambda: "stream_started" in spare.log(), within=START_SECONDS, what="the spare one runs")
        yield 2 * LEASE_SECONDS
    finally:
        # The killed one is back for the next story, as its supervisor would see to.
        stack.restart("stream")
        spare.stop()


def kill_the_connected(stack: Stack) -> None:
    """End the process that holds the connection, as a crash would."""
    if stack.is_embedded:
        started = re.findall(r"stream started \(pid (\d+)\)", stack.processes["portal"].log())
        os.kill(int(started[-1]), signal.SIGKILL)
    else:
        stack.processes["stream"].kill()


def test_when_the_connected_process_is_killed_another_one_goes_on(
    stack: Stack, operator: Operator, suite_key: str, takeover_seconds: float
):
    (before,) = eventually(lambda: connections(stack), within=START_SECONDS, what="the suite is connected")
    kill_the_connected(stack)
    eventually(lambda: before["id"] not in {each["id"] for each in connections(stack)}, within=START_SECONDS)

    done = stack.simulator.act(suite_key, SECOND, "authorize")
    (after,) = eventually(lambda: connections(stack), within=takeover_seconds, what="taken over")
    # With or without a ticket: the other story decides when the suite gets one.
    eventually(lambda: events(stack).count(["org_suite_auth", SECOND, "handled"]), what="handled")
    eventually(
        lambda: (
            operator.tenant(suite_key, SECOND, state="active")
            or operator.tenant(suite_key, SECOND, waiting_for="suite_ticket")
        ),
        what="the tenant is active, or waits for the ticket alone",
    )

    assert not done["accepted"]
    assert after["id"] != before["id"]
    assert events(stack).count(["org_suite_auth", SECOND, "handled"]) == 1
