"""Doing something now and then only."""

from time import sleep

from dingtalk.foundation.seldom import Seldom


def test_it_is_due_once_and_again_after_the_pause():
    seldom = Seldom(seconds=0.05)

    assert [seldom.is_due(), seldom.is_due()] == [True, False]
    sleep(0.06)
    assert seldom.is_due()
