from dingtalk.foundation.silence import Silence


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def look_each_second(silence: Silence, clock: Clock, seconds: int) -> float:
    silent = 0.0
    for _ in range(seconds):
        clock.seconds += 1
        silent = silence.seconds()
    return silent


def test_it_lasts_from_what_was_heard_last() -> None:
    clock = Clock()
    silence = Silence(clock=clock)
    look_each_second(silence, clock, 20)

    silence.hear()

    assert look_each_second(silence, clock, 12) == 12


def test_time_in_which_the_listener_was_frozen_does_not_count() -> None:
    clock = Clock()
    silence = Silence(clock=clock)
    look_each_second(silence, clock, 20)

    clock.seconds += 3600

    assert silence.seconds() == 20


def test_what_was_heard_on_waking_up_is_not_in_the_future() -> None:
    clock = Clock()
    silence = Silence(clock=clock)
    clock.seconds += 3600
    silence.hear()

    assert silence.seconds() == 0
