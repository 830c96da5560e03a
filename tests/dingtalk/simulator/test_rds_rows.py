"""Rows of suites in RDS mode, written into a real MariaDB."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import QUICK, make_company, make_isv
from tests.support import mariadb


class Rows:
    """A simulator with a push database, a suite in RDS mode, and a look at the rows."""

    def __init__(self, simulator: RunningSimulator, url: str) -> None:
        self.simulator = simulator
        self.isv = make_isv(simulator, push_mode="rds")
        self.corp_id = make_company(simulator)
        self._url = url

    def act(self, action: str) -> Any:
        return self.simulator.remote.act(self.isv.suite_key, self.corp_id, action)

    def read(self, where: str = "1 = 1") -> list[dict[str, Any]]:
        port, name = self._url.rpartition(":")[2].split("/")
        with mariadb.root(int(port), name) as execute:
            return execute(f"SELECT * FROM open_sync_biz_data WHERE {where} ORDER BY id")


@pytest.fixture
def rows() -> Iterator[Rows]:
    with mariadb.push_database("simulated") as url:
        writer = mariadb.writer_url(url)
        with RunningSimulator(options=SimulatorOptions(**QUICK), rds_url=writer) as simulator:
            yield Rows(simulator, writer)


def test_an_authorisation_becomes_a_row_with_a_time_of_shanghai(rows: Rows):
    done = rows.act("authorize")

    (row,) = rows.read("biz_type = 4")
    assert (row["corp_id"], row["status"]) == (rows.corp_id, 0)
    assert row["subscribe_id"].endswith("_0")
    assert json.loads(row["biz_data"])["syncAction"] == "org_suite_auth"
    assert row["gmt_modified"].microsecond == 0
    assert done["pushes"][0]["state"] == "delivered"


def test_a_newer_state_replaces_the_row_and_has_a_new_id(rows: Rows):
    rows.act("authorize")
    (before,) = rows.read("biz_type = 4")

    rows.act("relieve")

    (after,) = rows.read("biz_type = 4")
    assert after["id"] > before["id"]
    assert json.loads(after["biz_data"])["syncAction"] == "org_suite_relieve"


def test_without_a_push_database_nothing_is_delivered(own_simulator: RunningSimulator):
    isv = make_isv(own_simulator, push_mode="rds")

    done = own_simulator.remote.act(isv.suite_key, make_company(own_simulator), "authorize")

    assert done["pushes"][0]["reason"] == "71011 no push database is set"
