"""One bound on all who wait for DingTalk in a process."""

from contextlib import ExitStack
from threading import Thread

import pytest

from tenants.errors import TokenUnavailable
from tenants.waiting_room import WAITING_ROOM, count_seats, place_to_wait


def try_in_another_thread() -> str:
    """What another caller of the process gets."""
    came_of_it = []

    def wait() -> None:
        try:
            with place_to_wait():
                came_of_it.append("waited")
        except TokenUnavailable as refusal:
            came_of_it.append(f"come again in {refusal.retry_after_seconds} s")

    thread = Thread(target=wait)
    thread.start()
    thread.join()
    return came_of_it[0]


@pytest.mark.parametrize(
    ("most", "threads", "seats"), [(8, 16, 8), (3, 16, 3), (8, 4, 2), (99, 16, 8), (4, 1, 1)]
)
def test_no_setting_lets_more_than_half_of_the_threads_wait(settings, most, threads, seats):
    settings.TOKEN_MAX_WAITERS, settings.WEB_THREADS = most, threads

    assert count_seats() == seats


def test_when_all_places_are_taken_the_next_one_is_told_to_come_again():
    with ExitStack() as taken:
        for _ in range(count_seats()):
            taken.enter_context(WAITING_ROOM.place())
        assert try_in_another_thread() == "come again in 1 s"

    assert try_in_another_thread() == "waited"


def test_a_thread_that_waits_while_it_waits_needs_no_second_place():
    with ExitStack() as taken:
        for _ in range(count_seats() - 1):
            taken.enter_context(WAITING_ROOM.place())

        with place_to_wait():
            with place_to_wait():
                assert try_in_another_thread() == "come again in 1 s"
            assert try_in_another_thread() == "come again in 1 s"

        assert try_in_another_thread() == "waited"


def test_a_place_is_free_again_after_a_failure():
    for _ in range(count_seats() + 1):
        with pytest.raises(ZeroDivisionError), place_to_wait():
            1 / 0  # noqa: B018

    assert try_in_another_thread() == "waited"
