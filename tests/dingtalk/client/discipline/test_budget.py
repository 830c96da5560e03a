import pytest

from dingtalk.client.discipline import Limits, on_behalf_of, with_patience
from dingtalk.protocol.errors import HeldBack, HoldReason
from tests.dingtalk.client.discipline.gates import (
    StillClock,
    calls_let_out,
    held_back,
    request_of,
    still_gate,
)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


def tenant(number: int):
    return request_of(corp_id=f"ding{number}")


def test_the_budget_of_a_second_is_never_exceeded_in_any_second(clock):
    gate = still_gate(clock, Limits(calls_per_second=30))
    let_out = []

    for step in range(400):
        if held_back(lambda step=step: gate.admit(tenant(step))) is None:
            let_out.append(clock.now)
        clock.now += 0.01

    in_a_second = [sum(0 <= at - start < 0.999 for at in let_out) for start in let_out]
    assert max(in_a_second) == 30
    assert len(let_out) > 100


def test_the_budget_of_twenty_seconds_holds_across_every_boundary(clock):
    gate = still_gate(clock, Limits(calls_per_second=0, calls_per_20_seconds=100))

    let_out, errors = [], []

    for step in range(1_200):
        error = held_back(lambda step=step: gate.admit(tenant(step)))
        errors += [error] if error else []
        let_out += [] if error else [clock.now]
        clock.now += 0.05

    in_a_span = [sum(0 <= at - start < 19.999 for at in let_out) for start in let_out]
    assert max(in_a_span) == 100
    assert len(let_out) == 300
    assert {(error.reason, error.scope) for error in errors} == {(HoldReason.BUDGET, "every call")}
    assert all(0 < error.retry_after_seconds <= 20 for error in errors)


def test_the_limit_of_an_api_concerns_one_company_of_one_suite(clock):
    gate = still_gate(clock, Limits(calls_per_second_per_api=15))

    assert calls_let_out(gate, request_of(), tries=40) == 15
    for other in (
        request_of(corp_id="ding2"),
        request_of(suite_key="suite2"),
        request_of("/topapi/v2/department/get"),
    ):
        assert calls_let_out(gate, other, tries=1) == 1
    clock.now += 1.001
    assert calls_let_out(gate, request_of(), tries=40) == 15


def test_a_call_that_is_held_back_says_why_and_is_no_refusal_of_dingtalk(clock):
    gate = still_gate(clock, Limits(calls_per_second_per_api=1))
    gate.admit(request_of())
    clock.now += 0.25

    with pytest.raises(HeldBack) as caught:
        gate.admit(request_of())

    assert caught.value.retry_after_seconds == pytest.approx(0.75)
    assert caught.value.scope == "suite and tenant and api"
    assert (caught.value.code, caught.value.request_id, caught.value.ip_ban) == ("", "", False)
    assert str(caught.value) == "/topapi/v2/user/get: not sent: budget, suite and tenant and api"


def test_what_is_held_back_uses_up_no_budget(clock):
    gate = still_gate(clock, Limits(calls_per_second=20, calls_per_second_per_api=15))

    calls_let_out(gate, request_of(), tries=100)

    assert calls_let_out(gate, request_of(corp_id="ding2"), tries=100) == 5


def test_a_call_with_a_companys_token_counts_as_the_companys(clock):
    gate = still_gate(clock, Limits(calls_per_second_per_api=2))
    anonymous = request_of(suite_key="", corp_id="")

    with on_behalf_of(suite_key="suite1", corp_id="ding1"):
        assert calls_let_out(gate, anonymous, tries=5) == 2
    with on_behalf_of(suite_key="suite1", corp_id="ding2"):
        assert calls_let_out(gate, anonymous, tries=5) == 2
    assert calls_let_out(gate, request_of(), tries=5) == 0
    assert calls_let_out(gate, anonymous, tries=5) == 5


def test_a_call_that_names_another_suite_is_not_the_owners(clock):
    gate = still_gate(clock, Limits(calls_per_second_per_api=2))

    with on_behalf_of(suite_key="suite1", corp_id="ding1"):
        calls_let_out(gate, request_of(suite_key="suite2", corp_id=""), tries=5)

    assert calls_let_out(gate, request_of(), tries=5) == 2


def test_a_process_that_is_alone_takes_its_share_of_the_address_but_not_of_an_api(clock):
    limits = Limits(calls_per_second=40, calls_per_second_per_api=15)
    gate = still_gate(clock, limits, processes=4)

    assert calls_let_out(gate, request_of(), tries=40) == 10


def test_a_limit_of_zero_is_none(clock):
    gate = still_gate(clock, Limits(0, 0, 0))

    assert calls_let_out(gate, request_of(), tries=20_000) == 20_000


def test_who_has_patience_waits_for_the_turn_and_who_has_not_is_told_at_once(clock):
    gate = still_gate(clock, Limits(calls_per_second_per_api=1))
    gate.admit(request_of())
    began = clock.now

    with pytest.raises(HeldBack):
        gate.admit(request_of())
    assert clock.now == began
    with with_patience(seconds=1.5):
        gate.admit(request_of())
    assert 1.0 <= clock.now - began <= 1.2


def test_patience_is_for_all_the_waits_of_a_call_together(clock):
    gate = still_gate(clock, Limits(calls_per_second_per_api=1))
    gate.admit(request_of())
    began = clock.now

    def sleep_while_another_takes_the_turn(seconds: float) -> None:
        clock.sleep(seconds)
        gate.admit(request_of())

    gate._sleep = sleep_while_another_takes_the_turn
    with with_patience(seconds=1.5), pytest.raises(HeldBack):
        gate.admit(request_of())

    assert clock.now - began <= 1.2


def test_a_wait_that_would_be_too_long_is_not_begun(clock):
    gate = still_gate(clock, Limits(calls_per_second=0, calls_per_20_seconds=1))
    gate.admit(request_of())
    began = clock.now

    with with_patience(seconds=1.5), pytest.raises(HeldBack):
        gate.admit(request_of())

    assert clock.now == began
