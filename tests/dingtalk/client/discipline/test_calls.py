"""The gate as calls meet it: what is held back never reaches DingTalk."""

import pickle
import time
from collections.abc import Iterator

import pytest
import responses

from dingtalk.client import DingTalkClient, SuiteIdentity
from dingtalk.client.discipline import Limits, new_gate
from dingtalk.client.http import MAX_ANSWER_BYTES, OversizedAnswer
from dingtalk.protocol.errors import ApiError, HeldBack, HoldReason, TransportError
from dingtalk.simulator.server import RunningSimulator
from tests.support.upstream import CORP_ID, SEED, SUITE_KEY

CORP_TOKEN, AUTH_INFO = "/service/get_corp_token", "/service/get_auth_info"


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(seed=SEED) as simulator:
        simulator.remote.act(SUITE_KEY, CORP_ID, "authorize", silent=True, wait=False)
        yield simulator


@pytest.fixture
def identity(simulator: RunningSimulator) -> SuiteIdentity:
    suite = simulator.remote.suite(SUITE_KEY)
    return SuiteIdentity(
        suite_key=SUITE_KEY, suite_secret=suite["suite_secret"], suite_ticket=suite["suite_ticket"]
    )


def client_of(simulator: RunningSimulator, **limits) -> DingTalkClient:
    return DingTalkClient(
        oapi_base_url=simulator.base_url,
        api_base_url=simulator.base_url,
        connect_timeout_seconds=1,
        read_timeout_seconds=1,
        gate=new_gate(limits=Limits(**limits)),
    )


def count(simulator: RunningSimulator) -> int:
    return len(simulator.remote.calls()["calls"])


def test_no_more_calls_reach_dingtalk_than_the_budget_has(simulator, identity):
    client = client_of(simulator, calls_per_second_per_api=3)

    outcomes = []
    for _ in range(10):
        try:
            outcomes.append(client.get_corp_token(identity, corp_id=CORP_ID))
        except HeldBack as error:
            outcomes.append(error)

    sent = [outcome for outcome in outcomes if not isinstance(outcome, HeldBack)]
    assert len(sent) == count(simulator) < 10


@pytest.mark.parametrize("kind", ["ip_ban", "ip_ban_page"])
def test_a_blocked_address_calls_nothing_any_more(simulator, identity, kind):
    client = client_of(simulator)
    simulator.remote.add_fault(endpoint=CORP_TOKEN, kind=kind)
    with pytest.raises(ApiError):
        client.get_corp_token(identity, corp_id=CORP_ID)

    for call in (client.get_corp_token, client.get_auth_info, client.get_corp_access_token):
        with pytest.raises(HeldBack) as caught:
            call(identity, corp_id=CORP_ID)
        assert caught.value.reason is HoldReason.IP_BAN

    assert count(simulator) == 1


@pytest.mark.parametrize("kind", ["http_500", "html", "reset"])
def test_an_endpoint_without_answers_is_called_no_more_until_one_finds_that_it_works(
    simulator, identity, kind
):
    client = client_of(simulator, breaker_failures=3, breaker_seconds=0.05)
    simulator.remote.add_fault(endpoint=CORP_TOKEN, kind=kind, count=3)
    for _ in range(3):
        with pytest.raises(TransportError):
            client.get_corp_token(identity, corp_id=CORP_ID)

    with pytest.raises(HeldBack) as caught:
        client.get_corp_token(identity, corp_id=CORP_ID)
    client.get_auth_info(identity, corp_id=CORP_ID)
    assert count(simulator) == 4

    time.sleep(caught.value.retry_after_seconds + 0.01)
    client.get_corp_token(identity, corp_id=CORP_ID)
    client.get_corp_token(identity, corp_id=CORP_ID)
    assert count(simulator) == 6


def test_refusals_break_nothing(simulator, identity):
    client = client_of(simulator, breaker_failures=2)

    for _ in range(5):
        with pytest.raises(ApiError) as caught:
            client.get_corp_token(identity, corp_id="dingnobody")
        assert not isinstance(caught.value, HeldBack)

    assert client.get_corp_token(identity, corp_id=CORP_ID).token


@responses.activate
def test_an_answer_that_is_too_large_is_an_answer_and_breaks_nothing():
    url = "https://api.dingtalk.com/v1.0/oauth2/corpAccessToken"
    responses.post(url, body=b" " * (MAX_ANSWER_BYTES + 1))
    client = DingTalkClient(
        oapi_base_url="https://oapi.dingtalk.com",
        api_base_url="https://api.dingtalk.com",
        connect_timeout_seconds=1,
        read_timeout_seconds=1,
        gate=new_gate(limits=Limits(breaker_failures=1)),
    )
    someone = SuiteIdentity(suite_key="suite1", suite_secret="secret", suite_ticket="ticket")

    for _ in range(2):
        with pytest.raises(OversizedAnswer):
            client.get_corp_access_token(someone, corp_id="ding1")


def test_an_error_of_a_held_back_call_survives_the_way_to_another_process():
    error = HeldBack(
        endpoint="/x", reason=HoldReason.BREAKER, scope="api", retry_after_seconds=2.5, detail=""
    )

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), copy.reason, copy.retry_after_seconds) == (
        HeldBack,
        str(error),
        HoldReason.BREAKER,
        2.5,
    )
