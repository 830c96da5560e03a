"""The checker sees what is planted, and only that."""

from copy import deepcopy
from typing import Any

import pytest

from tests.faults.checker import ACTIVATION, EXCHANGE, Histories, Limits, check
from tests.faults.model import Deed, possible_states
from tests.faults.plan import ORDINARY
from tests.faults.pusher import event_key

SUITE, CORP = "suitea", "dingcorp1"


def event(number: int, action: str = ORDINARY) -> dict[str, Any]:
    """An event that was pushed at DingTalk's time `number`."""
    event_type = "user_modify_org" if action == ORDINARY else f"org_suite_{action}"
    key = event_key(SUITE, CORP, event_type, number)
    return {
        "what": "event",
        "at": float(number),
        "key": key,
        "push": f"p{number}",
        "action": action,
        "corp_id": CORP,
        "platform_ms": number,
    }


def attempt(number: int, answer: str = "success", elapsed_ms: float = 5.0) -> dict[str, Any]:
    """A try to push event `number`."""
    return {
        "what": "try",
        "at": number + 0.1,
        "push": f"p{number}",
        "answer": answer,
        "elapsed_ms": elapsed_ms,
    }


def given(pushed: dict[str, Any], at: float | None = None) -> dict[str, Any]:
    """That the app was given an event."""
    return {"what": "given", "at": pushed["at"] + 0.5 if at is None else at, "key": pushed["key"], "id": "1"}


@pytest.fixture
def kept() -> dict[str, list[dict[str, Any]]]:
    """Ledgers of a run in which every promise was kept: two ordinary events, an authorisation, a stop."""
    events = [event(1, "authorize"), event(2), event(3), event(4, "stop")]
    return {
        "pushed": [record for each in events for record in (each, attempt(each["platform_ms"]))],
        "given": [given(each) for each in events],
        "ended": [
            {"what": "settled", "at": 5.0},
            {"what": "tenant", "at": 5.1, "corp_id": CORP, "state": "stopped"},
        ],
        "upstream": [
            {"endpoint": EXCHANGE, "corp_id": CORP, "code": 0},
            {"endpoint": ACTIVATION, "corp_id": CORP, "code": 0},
        ],
    }


def problems_of(ledgers: dict[str, list[dict[str, Any]]], limits: Limits | None = None) -> str:
    """Return what the checker says of the ledgers."""
    return "; ".join(check(Histories(**deepcopy(ledgers)), limits or Limits()).problems)


def test_a_run_in_which_every_promise_was_kept_has_no_problem(kept):
    assert problems_of(kept) == ""


def test_an_acknowledged_event_that_was_never_given_is_lost(kept):
    missing = kept["given"].pop(1)

    assert f"1 acknowledged and lost: {missing['key']}" in problems_of(kept)


def test_an_event_that_was_not_acknowledged_may_be_missing(kept):
    kept["pushed"][3]["answer"] = "status 503"
    kept["given"].pop(1)

    assert problems_of(kept) == ""


def test_an_event_whose_acknowledgement_came_too_late_counts_as_not_acknowledged_and_as_late(kept):
    kept["pushed"][3].update(answer="late", elapsed_ms=1300.0)
    kept["given"].pop(1)

    assert problems_of(kept) == "1 late acknowledgements: 5 ms, 5 ms, 5 ms, 1300 ms"


def test_an_event_that_was_given_twice_is_doubled(kept):
    kept["given"].append(given(kept["pushed"][2], at=4.9))

    assert "1 given twice" in problems_of(kept)


def test_an_event_that_nobody_pushed_is_seen(kept):
    kept["given"].append(given(event(77)))

    assert "1 given and never pushed" in problems_of(kept)


def test_a_tenant_in_a_wrong_final_state_is_named(kept):
    kept["ended"][1]["state"] = "active"

    assert f"{CORP} is active, not stopped" in problems_of(kept)


def test_a_tenant_that_is_not_there_is_in_a_wrong_final_state(kept):
    kept["ended"].pop()

    assert f"{CORP} is absent, not stopped" in problems_of(kept)


def test_a_tenant_may_or_may_not_be_what_an_event_without_acknowledgement_says(kept):
    kept["pushed"][7]["answer"] = "timed out"
    kept["given"].pop()

    assert problems_of(kept) == ""
    kept["ended"][1]["state"] = "active"
    assert problems_of(kept) == ""
    kept["ended"][1]["state"] = "relieved"
    assert "is relieved, not active or stopped" in problems_of(kept)


def test_a_permanent_code_that_was_bought_twice_is_seen(kept):
    kept["upstream"].append(kept["upstream"][0])

    assert "1 whose code was bought twice" in problems_of(kept)


def test_a_permanent_code_may_be_bought_again_when_the_grant_was_pushed_again(kept):
    kept["upstream"].append(kept["upstream"][0])

    assert problems_of({**kept, "pushed_again": [{"corp_id": CORP}]}) == ""


def test_a_drain_that_takes_too_long_is_seen(kept):
    kept["given"][-1]["at"] = 100.0

    assert "drained in 95.9 s, more than 60 s" in problems_of(kept, Limits(drain_seconds=60))


def test_the_drain_begins_with_the_last_fault(kept):
    kept["given"][-1]["at"] = 100.0

    assert problems_of({**kept, "faults": [{"at": 90.0}]}, Limits(drain_seconds=60)) == ""


def test_a_run_that_never_came_to_its_end_is_seen(kept):
    kept["ended"].pop(0)

    assert "not everything was done" in problems_of(kept)


def test_acknowledgements_that_are_slow_are_seen_where_it_matters(kept):
    kept["pushed"][3]["elapsed_ms"] = 150.0

    assert problems_of(kept) == ""
    assert "ack p99 ms is 150.0, more than 100" in problems_of(kept, Limits(ack_p99_ms=100))


def test_percentiles_without_any_acknowledgement_are_a_problem_where_it_matters(kept):
    kept["pushed"] = [record for record in kept["pushed"] if record["what"] == "event"]

    assert "ack p50 ms is nan" in problems_of(kept, Limits(ack_p50_ms=10))


@pytest.mark.parametrize(
    ("deeds", "possible"),
    [
        ([], {"absent"}),
        ([(1, "authorize", True)], {"active"}),
        ([(2, "relieve", True), (1, "authorize", True)], {"relieved"}),
        ([(1, "authorize", False)], {"absent", "active"}),
        ([(1, "authorize", True), (2, "relieve", False)], {"active", "relieved"}),
        ([(1, "authorize", True), (2, "stop", True), (3, "restore", False)], {"active", "stopped"}),
        ([(1, "authorize", True), (2, "stop", False), (3, "restore", True)], {"active"}),
        ([(1, "relieve", True), (2, "authorize", True)], {"active"}),
    ],
)
def test_what_a_tenant_may_be_follows_from_the_events_in_dingtalks_order(deeds, possible):
    assert possible_states([Deed(*each) for each in deeds]) == possible
