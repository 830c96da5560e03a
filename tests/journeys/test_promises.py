"""The promises of the design, tried on running processes that are killed: nothing is lost or doubled."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.journeys.conftest import empty_redis, new_database
from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import SYNC_HTTP, Stack

pytestmark = pytest.mark.journey

FIRST, SECOND, THIRD = "dingcorp00000001", "dingcorp00000002", "dingcorp00000003"
ACTIVE = "dingcorp00000004"


@pytest.fixture(scope="module")
def stack(postgresql_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The services, each a process that a test can kill."""
    started = Stack(
        tmp_path_factory.mktemp("promises"),
        database_url=new_database(postgresql_url),
        redis_url=empty_redis(redis_url),
    ).start()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Operator:
    """Who looks at the portal, with a registered suite that has its ticket and one active tenant."""
    operator = Operator(stack)
    operator.register_suite(SYNC_HTTP)
    assert stack.simulator.push_ticket(SYNC_HTTP)["accepted"]
    assert stack.simulator.act(SYNC_HTTP, ACTIVE, "authorize")["accepted"]
    eventually(lambda: is_active(operator, ACTIVE))
    return operator


def is_active(operator: Operator, corp_id: str) -> bool:
    return operator.tenant(SYNC_HTTP, corp_id, state="active") is not None


def times_authorized(operator: Operator, corp_id: str) -> int:
    transitions = operator.ask(SYNC_HTTP, corp_id).json()["transitions"]
    return sum(transition["to_state"] == "authorizing" for transition in transitions)


def test_an_acknowledged_grant_survives_the_death_of_worker_and_dispatcher(stack: Stack, operator: Operator):
    for name in ("dispatcher", "worker"):
        stack.processes[name].kill()

    assert stack.simulator.act(SYNC_HTTP, FIRST, "authorize")["accepted"]
    assert operator.tenant(SYNC_HTTP, FIRST) is None
    for name in ("dispatcher", "worker"):
        stack.restart(name)

    eventually(lambda: is_active(operator, FIRST), within=40, what="the grant is handled after all")
    assert times_authorized(operator, FIRST) == 1


def test_without_a_worker_the_dispatcher_does_the_work(stack: Stack, operator: Operator):
    stack.processes["worker"].kill()

    stack.simulator.act(SYNC_HTTP, SECOND, "authorize")

    eventually(lambda: is_active(operator, SECOND), within=60, what="the dispatcher activates the tenant")
    stack.restart("worker")


def test_a_grant_delivered_many_times_in_fresh_envelopes_takes_effect_once(stack: Stack, operator: Operator):
    assert stack.simulator.act(SYNC_HTTP, THIRD, "authorize", deliveries=6)["accepted"]

    eventually(lambda: is_active(operator, THIRD))
    assert times_authorized(operator, THIRD) == 1
    events = stack.python(
        "from dingtalk.models import ReceivedEvent;"
        f"print(ReceivedEvent.objects.filter(corp_id={THIRD!r}, event_type='org_suite_auth').count())"
    )
    assert events.strip() == "1"


def test_a_push_on_a_connection_that_the_database_cut_is_acknowledged_at_once(
    stack: Stack, operator: Operator
):
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    pushed = stack.simulator.push_ticket(SYNC_HTTP)

    assert pushed["accepted"]
    assert len(pushed["pushes"][0]["attempts"]) == 1


def test_what_a_callback_process_acknowledged_outlives_its_death(stack: Stack, operator: Operator):
    stopped = stack.simulator.act(SYNC_HTTP, ACTIVE, "stop")

    stack.processes["callback"].kill()

    assert stopped["accepted"]
    eventually(
        lambda: operator.tenant(SYNC_HTTP, ACTIVE, state="stopped"), within=40, what="the stop arrives"
    )
    stack.restart("callback")
    eventually(stack.is_ready, within=40)
    assert stack.simulator.act(SYNC_HTTP, ACTIVE, "restore")["accepted"]
    eventually(lambda: is_active(operator, ACTIVE), within=40)


def test_no_secret_reaches_the_logs(stack: Stack, operator: Operator):
    state = stack.simulator.state()
    token = operator.access_token(SYNC_HTTP, ACTIVE).json()["access_token"]
    names = ("suite_secret", "token", "encoding_aes_key", "suite_ticket")
    secrets = [suite[name] for suite in state["suites"] for name in names]
    secrets += [grant["permanent_code"] for grant in state["grants"]]
    secrets += [token, *operator.keys.values(), stack.env["SECRET_KEY"]]
    ours = [process.log() for name, process in stack.processes.items() if name != "simulator"]

    assert any("event_finished" in log for log in ours)
    assert [secret for secret in secrets if any(secret in log for log in ours)] == []
