"""
The main job, end to end: a company authorises a suite, and the ISV's app gets a working token.

Told four times: SyncHTTP and legacy HTTP, on the embedded SQLite and on PostgreSQL with Redis.
"""

import concurrent.futures
import time

import pytest
import requests

from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY, SEED, SHARED, SYNC_HTTP, Stack

pytestmark = pytest.mark.journey

COMPANIES = {SYNC_HTTP: "dingcorp00000001", LEGACY: "dingcorp00000002"}


@pytest.fixture(params=[SYNC_HTTP, LEGACY], ids=["sync_http", "legacy_http"])
def suite_key(request, operator: Operator) -> str:
    """A registered suite of each push mode, whose URL DingTalk has checked."""
    operator.register_suite(request.param)
    return request.param


def use_token(stack: Stack, token: str) -> dict:
    """What a tenant app does with a token: call DingTalk."""
    answer = requests.post(
        f"{stack.simulator.base_url}/topapi/v2/department/listsub",
        params={"access_token": token},
        json={"dept_id": 1},
        timeout=5,
    )
    return answer.json()


def company_name(corp_id: str) -> str:
    return next(company["name"] for company in SEED["companies"] if company["corp_id"] == corp_id)


def is_activated(stack: Stack, suite_key: str, corp_id: str) -> bool:
    grants = stack.simulator.state()["grants"]
    return any(
        grant["activated"]
        for grant in grants
        if (grant["suite_key"], grant["corp_id"]) == (suite_key, corp_id)
    )


def token_calls(stack: Stack, corp_id: str) -> int:
    calls = stack.simulator.calls(corp_id=corp_id)["calls"]
    return sum(call["endpoint"].endswith(("corpAccessToken", "get_corp_token")) for call in calls)


def test_the_whole_story(stack: Stack, operator: Operator, suite_key: str):
    corp_id = COMPANIES[suite_key]
    simulator = stack.simulator

    # DingTalk verifies the URL: the answer is the encrypted `success` each time.
    for event in ("check_url", "check_create_suite_url", "check_update_suite_url"):
        assert simulator.check_url(suite_key, event)["accepted"], event

    # A company authorises before there is any ticket: it waits, visibly.
    assert simulator.act(suite_key, corp_id, "authorize")["accepted"]
    waiting = eventually(lambda: operator.tenant(suite_key, corp_id, waiting_for="suite_ticket"))
    assert waiting["state"] in ("authorizing", "activating")
    assert operator.access_token(suite_key, corp_id).status_code == 409

    # The ticket arrives and wakes it.
    assert simulator.push_ticket(suite_key)["accepted"]
    active = eventually(lambda: operator.tenant(suite_key, corp_id, state="active"))
    assert active["corp"]["name"] == company_name(corp_id)
    assert is_activated(stack, suite_key, corp_id)

    # The tenant app gets a token, and the token works.
    answer = operator.access_token(suite_key, corp_id)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert use_token(stack, answer.json()["access_token"])["errcode"] == 0

    # The company changes the scope.
    simulator.act(suite_key, corp_id, "change", dept_ids=[2], user_ids=[])
    eventually(lambda: operator.departments_in_scope(suite_key, corp_id) == [2], what="the scope followed")

    # It stops the app and restores it.
    simulator.act(suite_key, corp_id, "stop")
    eventually(lambda: operator.tenant(suite_key, corp_id, state="stopped"))
    assert operator.access_token(suite_key, corp_id).status_code == 409
    simulator.act(suite_key, corp_id, "restore")
    eventually(lambda: operator.tenant(suite_key, corp_id, state="active"))

    # It withdraws the authorisation: no token from then on.
    relieved_at_ms = int(time.time() * 1000)
    simulator.act(suite_key, corp_id, "relieve", platform_time_ms=relieved_at_ms)
    eventually(lambda: operator.tenant(suite_key, corp_id, state="relieved"))
    refusal = operator.access_token(suite_key, corp_id)
    assert refusal.status_code == 409
    assert refusal.json()["errors"][0]["code"] == "tenant_not_active"

    # It authorises again, and the old withdrawal that arrives late does not end that.
    time.sleep(0.05)
    simulator.act(suite_key, corp_id, "authorize")
    eventually(lambda: operator.tenant(suite_key, corp_id, state="active"))
    simulator.act(suite_key, corp_id, "relieve", platform_time_ms=relieved_at_ms - 1, stale=True)
    time.sleep(2)
    assert operator.tenant(suite_key, corp_id, state="active")
    token = operator.access_token(suite_key, corp_id).json()["access_token"]
    assert use_token(stack, token)["errcode"] == 0


def test_many_callers_of_several_processes_cause_one_call(stack: Stack, operator: Operator):
    suite_key, corp_id = SHARED, "dingcorp00000003"
    operator.register_suite(suite_key)
    stack.simulator.push_ticket(suite_key)
    stack.simulator.act(suite_key, corp_id, "authorize")
    eventually(lambda: operator.tenant(suite_key, corp_id, state="active"))
    eventually(lambda: operator.access_token(suite_key, corp_id).status_code == 200)
    stack.let_token_run_out(suite_key, corp_id)
    before = token_calls(stack, corp_id)

    with concurrent.futures.ThreadPoolExecutor(32) as callers:
        answers = list(callers.map(lambda _: operator.patient_token(suite_key, corp_id), range(64)))

    assert len(set(answers)) == 1
    assert token_calls(stack, corp_id) - before == 1
