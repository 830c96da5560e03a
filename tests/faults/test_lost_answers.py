"""
Killed, frozen or cut off at the worst moment: what was acknowledged takes effect once, and no code is lost.

The small form of F5, F18, F24, F29 and F30: a few moments each, leases ended by hand instead of waited for.
"""

import time
from typing import Any

import psycopg
import pytest

from tests.faults.crash_points import EXCHANGING, HANDLING, RECEIVING, CrashFolder, CrashPoint
from tests.faults.playing import Player
from tests.faults.scenarios.slow_database import COMMIT, STORES
from tests.faults.small_world import SMALL_WORLD
from tests.faults.world import LEASED_TABLES, World
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY

pytestmark = pytest.mark.faults

EXCHANGE, REAUTH, ACTIVATE = "/service/get_permanent_code", "/service/reauth_corp", "/service/activate_suite"
SLOW_CALL_SECONDS = 3.0


def chosen(points: tuple[CrashPoint, ...], *names: str) -> list[CrashPoint]:
    return [point for point in points if point.name in names]


class Companies:
    """Companies that authorise the suite with legacy push, one at a time, in a world that is ill-treated."""

    def __init__(self, world: World) -> None:
        self.world, self.simulator = world, world.simulator
        self.crashes = CrashFolder(world.folder / "data")

    def new_company(self) -> str:
        return str(self.simulator.add_company()["corp_id"])

    def authorize(self, corp_id: str) -> None:
        """Have a company authorise, pushed until it is acknowledged as DingTalk would, only quicker."""
        for push in self.simulator.act(LEGACY, corp_id, "authorize")["pushes"]:
            while not push["attempts"][-1]["accepted"]:
                self.recover()
                push = self.simulator.push_again(LEGACY, push["id"])

    def recover(self) -> None:
        """Wait until the supervisor has started what was killed, and leave nothing to the dead."""
        self.world.wait_until_ready(within=40)
        with psycopg.connect(self.world.postgresql.url, autocommit=True) as connection:
            for table in LEASED_TABLES:
                connection.execute(f"UPDATE {table} SET lease_until = now(), dispatched_at = NULL")

    def crash_at(self, point: CrashPoint, corp_id: str) -> None:
        """Have whoever comes by this point for this company killed, and started again."""
        self.crashes.arm(point)
        self.authorize(corp_id)
        self.crashes.wait_for(point, within=30)
        self.recover()

    def calls(self, endpoint: str, corp_id: str) -> list[int | str]:
        """Return what DingTalk answered to a call for a company, by its own ledger."""
        found = self.simulator.calls(endpoint=endpoint, suite_key=LEGACY, corp_id=corp_id)["calls"]
        return [call["code"] for call in found]

    def await_state(self, corp_id: str, state: str) -> None:
        """Wait until the portal has come so far with the company, without any help."""
        wanted = {"suite_key": LEGACY, "corp_id": corp_id, "state": state}
        eventually(lambda: self.world.operator.tenant(**wanted), within=40, what=f"{corp_id} becomes {state}")

    def await_active(self, corp_id: str) -> None:
        self.await_state(corp_id, "active")

    def row(self, corp_id: str) -> Any:
        return self.world.operator.ask(LEGACY, corp_id).json()

    def times_authorized(self, corp_id: str) -> int:
        return sum(each["to_state"] == "authorizing" for each in self.row(corp_id)["transitions"])


@pytest.fixture
def companies(player: Player) -> Companies:
    return Companies(player.world_of(SMALL_WORLD))


@pytest.mark.parametrize(
    "point",
    [
        *chosen(RECEIVING, "push committed", "reply sent"),
        *chosen(HANDLING, "event marked"),
    ],
    ids=lambda point: point.name,
)
def test_a_push_takes_effect_once_wherever_the_portal_was_killed(companies: Companies, point: CrashPoint):
    corp_id = companies.new_company()

    companies.crash_at(point, corp_id)

    companies.await_active(corp_id)
    assert companies.times_authorized(corp_id) == 1
    assert companies.calls(EXCHANGE, corp_id) == [0]


def test_a_permanent_code_whose_answer_was_lost_is_asked_for_again(companies: Companies):
    for corp_id in (companies.new_company(), companies.new_company()):
        companies.simulator.add_fault(endpoint=EXCHANGE, kind="drop_answer")

        companies.authorize(corp_id)

        companies.await_active(corp_id)
        assert companies.calls(REAUTH, corp_id) == [0]
        assert companies.calls(EXCHANGE, corp_id) == [0, 0]
        assert companies.calls(ACTIVATE, corp_id) == [0]


@pytest.mark.parametrize(
    "point",
    chosen(EXCHANGING, "code spent", "permanent code committing"),
    ids=lambda point: point.name,
)
def test_who_dies_over_a_permanent_code_leaves_none_unseen(companies: Companies, point: CrashPoint):
    corp_id = companies.new_company()

    companies.crash_at(point, corp_id)

    companies.await_active(corp_id)
    assert companies.calls(REAUTH, corp_id) == [0]
    assert companies.calls(EXCHANGE, corp_id) == [0, 0]
    assert companies.calls(ACTIVATE, corp_id) == [0]


@pytest.mark.parametrize("statement", [STORES, COMMIT], ids=["a push", "a commit"])
def test_what_is_cut_off_from_the_answer_of_its_commit_takes_effect_once(
    companies: Companies, statement: bytes
):
    proxy, corp_id = companies.world.proxy("postgresql"), companies.new_company()
    proxy.cut_after_pattern(statement, times=1 if statement == STORES else 5)

    companies.authorize(corp_id)

    eventually(lambda: not proxy.cuts_left(), what="the connections are cut")
    proxy.pass_on()
    companies.recover()
    companies.await_active(corp_id)
    assert companies.times_authorized(corp_id) == 1
    assert companies.calls(EXCHANGE, corp_id) == [0]
    assert companies.calls(ACTIVATE, corp_id) == [0]


def test_a_worker_that_wakes_up_after_its_leases_changes_nothing_any_more(companies: Companies):
    world, corp_id = companies.world, companies.new_company()
    companies.simulator.add_fault(endpoint=ACTIVATE, kind="delay", seconds=SLOW_CALL_SECONDS, count=1)
    companies.authorize(corp_id)
    companies.await_state(corp_id, "activating")
    time.sleep(SLOW_CALL_SECONDS / 3)
    world.pause("worker")
    world.end_leases()
    world.start_another("worker")
    companies.await_active(corp_id)
    before = companies.row(corp_id)

    world.resume("worker")
    time.sleep(SLOW_CALL_SECONDS)

    assert companies.row(corp_id)["transitions"] == before["transitions"]
    assert [each["to_state"] for each in before["transitions"]].count("active") == 1
    assert companies.calls(EXCHANGE, corp_id) == [0]
    world.heal()
