import itertools

import pytest

from dingtalk.client.call import Family
from dingtalk.client.discipline import Limits
from dingtalk.protocol.errors import HoldReason
from tests.dingtalk.client.discipline.gates import (
    PROBE_SECONDS,
    StillClock,
    held_back,
    refusal,
    request_of,
    still_gate,
)

_companies = itertools.count()
LIMITS = Limits(0, 0, 0, breaker_failures=3, breaker_seconds=15)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def gate(clock):
    return still_gate(clock, LIMITS)


def fail(gate, times: int, *, corp_id: str = "") -> None:
    """Let calls have no answer: of a company, or each of another one."""
    for _ in range(times):
        gate.note_no_answer(gate.admit(request_of(corp_id=corp_id or f"dingof{next(_companies)}")))


def test_an_endpoint_that_does_not_answer_is_left_alone_for_every_company(gate, clock):
    fail(gate, 3)

    for corp_id in ("ding1", "ding2"):
        error = held_back(lambda corp_id=corp_id: gate.admit(request_of(corp_id=corp_id)))
        assert error is not None
        assert (error.reason, error.scope) == (HoldReason.BREAKER, "api")
        assert error.retry_after_seconds == 15
    assert gate.state().broken == ("oapi.dingtalk.com/topapi/v2/user/get",)


def test_other_endpoints_and_the_other_host_are_not_affected(gate):
    fail(gate, 3)

    gate.admit(request_of("/topapi/other"))
    gate.admit(request_of(family=Family.NEW))


def test_failures_count_in_a_row(gate):
    fail(gate, 2)
    gate.note_answer(gate.admit(request_of()))
    fail(gate, 2)

    assert held_back(lambda: gate.admit(request_of())) is None


def test_a_refusal_is_an_answer(gate):
    fail(gate, 2)
    gate.note_limit(gate.admit(request_of()), refusal("90018"))
    fail_other_tenant = request_of(corp_id="ding2")
    gate.note_no_answer(gate.admit(fail_other_tenant))

    assert held_back(lambda: gate.admit(fail_other_tenant)) is None


def test_after_the_pause_one_caller_finds_out_and_the_others_wait_for_it(gate, clock):
    fail(gate, 3)
    clock.now += 15.01

    probe = gate.admit(request_of())
    waiting = held_back(lambda: gate.admit(request_of()))
    gate.note_answer(probe)

    assert probe.is_probe
    assert waiting is not None
    assert waiting.retry_after_seconds == 1
    assert not gate.admit(request_of()).is_probe
    assert gate.state().broken == ()


def test_a_probe_without_an_answer_leaves_the_endpoint_alone_again(gate, clock):
    fail(gate, 3)
    clock.now += 15.01

    gate.note_no_answer(gate.admit(request_of()))

    error = held_back(lambda: gate.admit(request_of()))
    assert error is not None
    assert error.retry_after_seconds == 15
    clock.now += 15.01
    assert gate.admit(request_of()).is_probe


def test_a_probe_that_was_refused_for_too_many_calls_was_answered(gate, clock):
    fail(gate, 3)
    clock.now += 15.01

    gate.note_limit(gate.admit(request_of()), refusal("90018"))

    assert not gate.admit(request_of(corp_id="ding2")).is_probe


def test_the_probe_of_a_process_that_died_holds_nobody_up_for_ever(gate, clock):
    fail(gate, 3)
    clock.now += 15.01
    gate.admit(request_of())

    clock.now += PROBE_SECONDS + 0.01

    assert gate.admit(request_of()).is_probe


def test_calls_under_way_that_fail_late_do_not_make_the_pause_longer(gate, clock):
    under_way = [gate.admit(request_of(corp_id=f"ding{number}")) for number in range(5)]
    fail(gate, 3)
    clock.now += 10

    for admission in under_way:
        gate.note_no_answer(admission)

    clock.now += 5.01
    assert gate.admit(request_of()).is_probe


def test_failures_of_long_ago_are_forgotten(gate, clock):
    fail(gate, 2)
    clock.now += 601

    fail(gate, 2)

    assert held_back(lambda: gate.admit(request_of())) is None


def test_without_a_breaker_nothing_is_left_alone(clock):
    gate = still_gate(clock, Limits(0, 0, 0, breaker_failures=0))

    fail(gate, 50)

    assert held_back(lambda: gate.admit(request_of())) is None


def test_one_company_that_gets_no_answers_has_the_endpoint_left_alone_for_itself_only(gate):
    fail(gate, 3, corp_id="dinghanging")

    error = held_back(lambda: gate.admit(request_of(corp_id="dinghanging")))

    assert error is not None
    assert (error.reason, error.scope) == (HoldReason.BREAKER, "suite and tenant and api")
    assert held_back(lambda: gate.admit(request_of(corp_id="ding2"))) is None
    assert held_back(lambda: gate.admit(request_of(suite_key="suite2", corp_id="dinghanging"))) is None
    assert gate.state().broken == ()


def test_answers_to_others_do_not_hide_a_company_that_gets_none(gate):
    for _ in range(3):
        fail(gate, 1, corp_id="dinghanging")
        gate.note_answer(gate.admit(request_of(corp_id="ding2")))

    assert held_back(lambda: gate.admit(request_of(corp_id="dinghanging"))) is not None


def test_a_company_is_found_to_be_answered_again_by_one_call_of_its_own(gate, clock):
    fail(gate, 3, corp_id="dinghanging")
    clock.now += 15.01

    probe = gate.admit(request_of(corp_id="dinghanging"))
    assert held_back(lambda: gate.admit(request_of(corp_id="dinghanging"))) is not None
    gate.note_answer(probe)

    assert not gate.admit(request_of(corp_id="dinghanging")).is_probe


def test_what_is_asked_for_no_company_counts_for_all(gate):
    for _ in range(3):
        gate.note_no_answer(gate.admit(request_of(corp_id="")))

    assert held_back(lambda: gate.admit(request_of())) is not None


def test_the_companies_that_break_an_endpoint_are_at_least_three(clock):
    gate = still_gate(clock, Limits(0, 0, 0, breaker_failures=8, breaker_seconds=15))
    for corp_id in ("ding1", "ding2"):
        fail(gate, 7, corp_id=corp_id)
    assert held_back(lambda: gate.admit(request_of(corp_id="ding3"))) is None

    fail(gate, 2, corp_id="ding4")

    assert held_back(lambda: gate.admit(request_of(corp_id="ding3"))) is not None
