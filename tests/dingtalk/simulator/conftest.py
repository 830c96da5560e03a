"""
One simulator for the run; each test has a suite and a company of its own in it.

A test that changes what is common to all (faults, the clock, options) starts its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.isv import Isv, Receiver

QUICK = {"retry_delays_seconds": (0.03, 0.06), "ticket_attempts": 5}


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(options=SimulatorOptions(**QUICK)) as simulator:
        yield simulator


@pytest.fixture
def own_simulator() -> Iterator[RunningSimulator]:
    """A simulator that a test may spoil."""
    with RunningSimulator(options=SimulatorOptions(**QUICK)) as simulator:
        yield simulator


def make_isv(simulator: RunningSimulator, **suite: Any) -> Isv:
    """A new suite."""
    remote = simulator.remote
    return Isv(remote, remote._call("POST", "/_sim/suites", suite))


def make_company(simulator: RunningSimulator, **company: Any) -> str:
    """A new company; its corp id."""
    return str(simulator.remote._call("POST", "/_sim/companies", company)["corp_id"])


@pytest.fixture(params=["sync_http", "http"])
def isv(request: pytest.FixtureRequest, shared_simulator: RunningSimulator) -> Isv:
    """A suite of each push mode."""
    return make_isv(shared_simulator, push_mode=request.param)


@pytest.fixture
def legacy_isv(shared_simulator: RunningSimulator) -> Isv:
    return make_isv(shared_simulator, push_mode="http")


@pytest.fixture
def sync_isv(shared_simulator: RunningSimulator) -> Isv:
    return make_isv(shared_simulator, push_mode="sync_http")


@pytest.fixture
def corp_id(shared_simulator: RunningSimulator) -> str:
    """A company that has authorised nothing yet."""
    return make_company(shared_simulator, name="苏州平江茶业")


def receiving(isv: Isv) -> Receiver:
    """A receiver of this suite's pushes; enter it to start it."""
    receiver = Receiver(isv.signer)
    isv.remote.set_callback_url(isv.suite_key, receiver.url)
    return receiver


@pytest.fixture
def legacy_receiver(legacy_isv: Isv) -> Iterator[Receiver]:
    with receiving(legacy_isv) as receiver:
        yield receiver


@pytest.fixture
def sync_receiver(sync_isv: Isv) -> Iterator[Receiver]:
    with receiving(sync_isv) as receiver:
        yield receiver
