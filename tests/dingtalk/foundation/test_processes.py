import os
import signal
import socket

import pytest

from dingtalk.foundation.processes import process_name, stop_when_told


@pytest.fixture
def kept_handlers():
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("which", [0, 1])
def test_a_signal_to_end_is_told_and_ends_nothing_by_itself(kept_handlers, which):
    stop = stop_when_told()

    signal.raise_signal(kept_handlers[which])

    assert stop.is_set()


def test_no_signal_is_no_order_to_end(kept_handlers):
    assert not stop_when_told().is_set()


def test_a_long_host_name_leaves_the_process_id_readable(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "h" * 300)

    name = process_name(max_length=100)

    assert len(name) == 100
    assert name.endswith(f"h:{os.getpid()}")
