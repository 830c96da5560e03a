"""The arithmetic from measured costs to cores."""

import pytest

from tests.load.model import ONBOARDING, PUSH, RENEWAL, TICKET, TOKEN, Companies, cores, plan

COMPANIES = Companies(
    count=36_000, pushes_a_day=10, busy_hours=10, peak=2, using=0.1, tokens_an_hour=10, using_that_day=0.2
)
COSTS = {
    PUSH: {"callback": 1.0, "worker": 10.0},
    TOKEN: {"web": 2.0},
    RENEWAL: {"worker": 9.0},
    ONBOARDING: {"worker": 0.0},
    TICKET: {"worker": 0.0},
}


def test_the_busiest_hour_follows_from_the_companies():
    hour = COMPANIES.busiest_hour()

    assert (hour[PUSH], hour[TOKEN], hour[RENEWAL]) == pytest.approx((72_000, 36_000, 3_600))


def test_cores_are_the_costs_of_a_second_on_top_of_what_a_process_takes_anyway():
    taken = cores(COMPANIES.busiest_hour(), COSTS, idle={"worker": 0.01, "beat": 0.02})

    assert taken == pytest.approx({"callback": 0.02, "worker": 0.219, "web": 0.02, "beat": 0.02})


def test_the_plan_leaves_room_on_each_core():
    figures = {name: value for name, value, _ in plan(COMPANIES, COSTS, idle={}, event_bytes=1_000)}

    assert figures["pushes"] == pytest.approx(20)
    assert figures["all cores"] == pytest.approx(0.249 / 0.6)
    assert figures["stored"] == pytest.approx(0.36)
