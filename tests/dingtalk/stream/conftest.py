"""A suite of Stream mode at a simulated platform, and quick reconnections."""

from collections.abc import Iterator
from typing import Any

import pytest

from dingtalk.client import dingtalk_client
from dingtalk.models import Suite
from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from dingtalk.stream import service
from dingtalk.stream.connection import StreamClient
from tests.support.upstream import SEED, SUITE_KEY, Upstream


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LOOK_AT_SUITES_SECONDS", 0.1)
    monkeypatch.setattr(StreamClient, "RECONNECT_BASE_DELAY_SECONDS", 0.05)
    monkeypatch.setattr(StreamClient, "RECONNECT_JITTER_SECONDS", 0.05)


@pytest.fixture
def upstream(settings: Any) -> Iterator[Upstream]:
    """A platform that repeats at once what was not acknowledged."""
    options = SimulatorOptions(stream_retry_seconds=0.2, stream_close_seconds=0.5)
    seed = {**SEED, "suites": [{**SEED["suites"][0], "push_mode": "stream"}]}
    with RunningSimulator(options=options, seed=seed) as simulator:
        settings.DINGTALK_OAPI_BASE_URL = settings.DINGTALK_API_BASE_URL = simulator.base_url
        dingtalk_client.cache_clear()
        yield Upstream(simulator)
    dingtalk_client.cache_clear()


@pytest.fixture
def suite(transactional_db: None, upstream: Upstream) -> Suite:
    """A suite of Stream mode, the same here and there."""
    return upstream.register_suite()


@pytest.fixture
def connections(upstream: Upstream) -> Any:
    """Return the ids of the suite's open connections."""

    def ids() -> list[str]:
        found = upstream.remote._call("GET", "/_sim/stream/connections", params={"suite_key": SUITE_KEY})
        return [connection["id"] for connection in found["connections"]]

    return ids
