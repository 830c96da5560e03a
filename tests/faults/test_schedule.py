"""A seed gives the same run again."""

import random
from collections import Counter

from tests.faults.plan import ORDINARY, Mix, make_plan
from tests.faults.schedule import deal, moments


def test_moments_are_in_order_spread_over_the_run_and_the_same_for_the_same_seed():
    chosen = moments(random.Random(7), 20)

    assert chosen == sorted(chosen) == moments(random.Random(7), 20)
    assert chosen != moments(random.Random(8), 20)
    assert all(0.05 + 0.045 * number <= at <= 0.05 + 0.045 * (number + 1) for number, at in enumerate(chosen))


def test_every_kind_of_fault_is_dealt_about_as_often_as_any_other():
    dealt = deal(random.Random(7), ["a", "b", "c"], 20)

    assert sorted(Counter(dealt).values()) == [6, 7, 7]
    assert dealt == deal(random.Random(7), ["a", "b", "c"], 20)


def test_an_administrator_does_only_what_can_be_done_then():
    plan = make_plan(random.Random(7), pushes=2000, companies=20, mix=Mix(deeds=0.5))

    before: dict[int, str] = {}
    for item in (each for each in plan if each.action != ORDINARY):
        last = before.get(item.company, "relieve")
        assert (item.action == "authorize") == (last == "relieve")
        assert item.action != "restore" or last == "stop"
        before[item.company] = item.action
    assert set(before) == set(range(20))
    assert plan == make_plan(random.Random(7), pushes=2000, companies=20, mix=Mix(deeds=0.5))


def test_the_deeds_of_a_company_are_numbered_in_their_order():
    plan = make_plan(random.Random(7), pushes=500, companies=5, mix=Mix())

    turns = [item.turn for item in plan if item.company == 3 and item.action != ORDINARY]

    assert turns == list(range(len(turns)))
