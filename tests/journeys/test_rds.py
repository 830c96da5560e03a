"""
The main job by RDS: DingTalk writes rows into a database of ours, and `manage.py portal` reads them.

No callback comes in. The reader is killed in the middle and goes on; a row that is written again is nothing
new.
"""

import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import SEED, Stack
from tests.support import mariadb

pytestmark = pytest.mark.journey

RDS = "suiterds00000001"
FIRST, SECOND = "dingcorp00000001", "dingcorp00000002"
# A lease that a killed reader leaves behind, and what a process needs to start on a busy machine.
TAKEOVER_SECONDS = 80


class RdsStack(Stack):
    """An embedded portal with a push database, which the simulator writes into."""

    def __init__(self, directory: Path, *, reader_url: str) -> None:
        self.reader_url = reader_url
        super().__init__(directory)

    def _environment(self, database_url: str, redis_url: str) -> Mapping[str, str]:
        return {**super()._environment(database_url, redis_url), "RDS_DATABASE_URL": self.reader_url}

    def _simulator_arguments(self) -> list[str]:
        return [*super()._simulator_arguments(), "--rds-url", mariadb.writer_url(self.reader_url)]

    def _seed(self) -> Path:
        suite = {"suite_id": "880009", "suite_key": RDS, "name": "门禁助手", "push_mode": "rds"}
        path = self.directory / "seed.json"
        path.write_text(json.dumps({**SEED, "suites": [suite]}, ensure_ascii=False), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with mariadb.push_database("journey") as url:
        started = RdsStack(tmp_path_factory.mktemp("rds"), reader_url=url).start()
        try:
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Operator:
    """An operator whose suite has its ticket: no story waits for another one to bring it."""
    operator = Operator(stack)
    operator.register_suite(RDS)
    stack.simulator.set_callback_url(RDS, "")
    assert stack.simulator.push_ticket(RDS)["accepted"]
    eventually(
        lambda: event_types(stack) == ["suite_ticket"], within=TAKEOVER_SECONDS, what="the ticket is read"
    )
    return operator


def reader_pid(stack: Stack) -> int:
    """The reader that the portal started last."""
    return int(re.findall(r"rds started \(pid (\d+)\)", stack.processes["portal"].log())[-1])


def event_types(stack: Stack) -> list[str]:
    code = (
        "import json; from dingtalk.models import ReceivedEvent;"
        "print(json.dumps(list(ReceivedEvent.objects.order_by('id').values_list('event_type', flat=True))))"
    )
    return list(json.loads(stack.python(code)))


def test_a_company_becomes_a_tenant_and_leaves(stack: Stack, operator: Operator):
    simulator = stack.simulator

    assert simulator.act(RDS, FIRST, "authorize")["accepted"]
    eventually(lambda: operator.tenant(RDS, FIRST, state="active"), within=TAKEOVER_SECONDS)
    assert operator.patient_token(RDS, FIRST)

    simulator.act(RDS, FIRST, "relieve")
    eventually(lambda: operator.tenant(RDS, FIRST, state="relieved"))
    assert operator.access_token(RDS, FIRST).status_code == 409


def test_a_reader_that_is_killed_goes_on_and_reads_nothing_twice(stack: Stack, operator: Operator):
    killed = reader_pid(stack)
    os.kill(killed, signal.SIGKILL)
    before = event_types(stack)
    done = stack.simulator.act(RDS, SECOND, "authorize")

    eventually(lambda: operator.tenant(RDS, SECOND, state="active"), within=TAKEOVER_SECONDS)
    assert reader_pid(stack) != killed

    # The platform writes the same row again, with another id.
    push_id = done["pushes"][0]["id"]
    stack.simulator._call(
        "POST", f"/_sim/suites/{RDS}/redeliver", {"push_id": push_id, "fresh_envelope": True, "wait": True}
    )
    stack.simulator.act(RDS, SECOND, "stop")
    eventually(lambda: operator.tenant(RDS, SECOND, state="stopped"))
    assert event_types(stack) == [*before, "org_suite_auth", "org_micro_app_stop"]


def test_the_command_says_how_far_it_read_and_nothing_shows_the_password(stack: Stack):
    status = stack.manage("rds", "--status")

    assert "open_sync_biz_data: id" in status
    for text in (status, stack.logs()):
        assert mariadb.PASSWORD not in text
        assert mariadb.PASSWORD_IN_URL not in text
