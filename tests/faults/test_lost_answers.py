"""
Killed between an answer and the commit: what was acknowledged takes effect once, and no code is lost unseen.

The small form of F24, F29 and F30: a few crash points each, leases ended by hand instead of waited for.
"""

from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.crash_points import ENVIRONMENT, EXCHANGING, HANDLING, RECEIVING, CrashFolder, CrashPoint
from tests.journeys.conftest import empty_redis, new_database
from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY, Stack

pytestmark = pytest.mark.faults

EXCHANGE, REAUTH, ACTIVATE = "/service/get_permanent_code", "/service/reauth_corp", "/service/activate_suite"
LEASED_TABLES = ("tenants_tenant", "tenants_accesstoken", "dingtalk_receivedevent")


def chosen(points: tuple[CrashPoint, ...], *names: str) -> list[CrashPoint]:
    return [point for point in points if point.name in names]


class CrashingWorld:
    """The services, each a process that can be made to crash, and a legacy suite with its ticket."""

    def __init__(self, stack: Stack, folder: CrashFolder) -> None:
        self.stack, self.folder = stack, folder
        self.operator = Operator(stack)
        self.operator.register_suite(LEGACY)
        eventually(lambda: stack.simulator.push_ticket(LEGACY)["accepted"], what="a ticket is taken in")

    def new_company(self) -> str:
        return str(self.stack.simulator.add_company()["corp_id"])

    def authorize(self, corp_id: str) -> None:
        """Have a company authorise, pushed until it is acknowledged as DingTalk would, only quicker."""
        pushed = self.stack.simulator.act(LEGACY, corp_id, "authorize")
        for push in pushed["pushes"]:
            while not push["attempts"][-1]["accepted"]:
                self.revive()
                push = self.stack.simulator.push_again(LEGACY, push["id"])

    def revive(self) -> None:
        """Start again what was killed, as its supervisor would, and end the leases of the dead."""
        for name, process in self.stack.processes.items():
            if not process.is_running:
                self.stack.restart(name)
        eventually(self.stack.is_ready, within=40, what="everything answers again")
        with psycopg.connect(self.stack.env["DATABASE_URL"], autocommit=True) as connection:
            for table in LEASED_TABLES:
                connection.execute(f"UPDATE {table} SET lease_until = now(), dispatched_at = NULL")

    def crash_at(self, point: CrashPoint, corp_id: str) -> None:
        """Have whoever comes by this point for this company killed, and started again."""
        self.folder.arm(point)
        self.authorize(corp_id)
        self.folder.wait_for(point, within=30)
        self.revive()

    def calls(self, endpoint: str, corp_id: str) -> list[int | str]:
        """Return what DingTalk answered to a call for a company, by its own ledger."""
        found = self.stack.simulator.calls(endpoint=endpoint, suite_key=LEGACY, corp_id=corp_id)["calls"]
        return [call["code"] for call in found]

    def await_active(self, corp_id: str) -> None:
        """Wait until the portal serves the company, without any help."""
        wanted = {"suite_key": LEGACY, "corp_id": corp_id, "state": "active"}
        eventually(lambda: self.operator.tenant(**wanted), within=90, what=f"{corp_id} becomes active")

    def times_authorized(self, corp_id: str) -> int:
        transitions = self.operator.ask(LEGACY, corp_id).json()["transitions"]
        return sum(transition["to_state"] == "authorizing" for transition in transitions)


@pytest.fixture(scope="module")
def world(
    postgresql_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CrashingWorld]:
    directory = tmp_path_factory.mktemp("lost-answers")
    folder = CrashFolder(directory / "data")
    stack = Stack(directory, database_url=new_database(postgresql_url), redis_url=empty_redis(redis_url))
    stack.env = {**stack.env, **ENVIRONMENT}
    stack.start()
    try:
        yield CrashingWorld(stack, folder)
    finally:
        stack.stop()


@pytest.mark.parametrize(
    "point",
    [
        *chosen(RECEIVING, "push committed", "reply sent"),
        *chosen(HANDLING, "event marked"),
    ],
    ids=lambda point: point.name,
)
def test_a_push_takes_effect_once_wherever_the_portal_was_killed(world: CrashingWorld, point: CrashPoint):
    corp_id = world.new_company()

    world.crash_at(point, corp_id)

    world.await_active(corp_id)
    assert world.times_authorized(corp_id) == 1
    assert world.calls(EXCHANGE, corp_id) == [0]


def test_a_permanent_code_whose_answer_was_lost_is_asked_for_again(world: CrashingWorld):
    for corp_id in (world.new_company(), world.new_company()):
        world.stack.simulator.add_fault(endpoint=EXCHANGE, kind="drop_answer")

        world.authorize(corp_id)

        world.await_active(corp_id)
        assert world.calls(REAUTH, corp_id) == [0]
        assert world.calls(EXCHANGE, corp_id) == [0, 0]
        assert world.calls(ACTIVATE, corp_id) == [0]


@pytest.mark.parametrize(
    "point",
    chosen(EXCHANGING, "code spent", "permanent code committing"),
    ids=lambda point: point.name,
)
def test_who_dies_over_a_permanent_code_leaves_none_unseen(world: CrashingWorld, point: CrashPoint):
    corp_id = world.new_company()

    world.crash_at(point, corp_id)

    world.await_active(corp_id)
    assert world.calls(REAUTH, corp_id) == [0]
    assert world.calls(EXCHANGE, corp_id) == [0, 0]
    assert world.calls(ACTIVATE, corp_id) == [0]
