"""The access token endpoint with a valid key and warm tokens, against empty Django views."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any

from tests.bench.client import Load, Sample
from tests.bench.measurement import Measurement, Scenario, measure_in_turn
from tests.bench.scenarios import WARM_UP_CONNECTIONS, WARM_UP_SECONDS, Effort, Tell, run_checked
from tests.bench.servers import Stage, web_server

PORTAL = "portal"
SETTINGS = {
    PORTAL: "isv_portal.settings",
    "empty view": "tests.bench.empty_settings",
    "empty view + middleware": "tests.bench.empty_behind_middleware_settings",
}


def measure_token(stage: Stage, effort: Effort, tell: Tell) -> list[Scenario]:
    """Measure the token endpoint against the empty views, at each number of connections."""
    with ExitStack() as running:
        ports = {name: running.enter_context(_server(stage, name)) for name in SETTINGS}
        bench = _TokenBench(stage.seed, effort, ports)
        bench.warm_up(tell)
        return [bench.measure(connections, tell) for connections in effort.connections]


def _server(stage: Stage, name: str) -> AbstractContextManager[int]:
    return web_server(
        stage,
        name.replace(" + ", "-").replace(" ", "-"),
        PORTAL_ROLE="web",
        DJANGO_SETTINGS_MODULE=SETTINGS[name],
    )


class _TokenBench:
    """The variants of the token scenario, once their servers run."""

    def __init__(self, seed: Mapping[str, Any], effort: Effort, ports: Mapping[str, int]) -> None:
        self._effort, self._ports = effort, ports
        self._tokens = list(seed["tokens"].values())
        self._requests = [_token_request(seed, corp_id) for corp_id in seed["tokens"]]

    def warm_up(self, tell: Tell) -> None:
        """Have each server open its connections, and the first use of each token noted."""
        for name in self._ports:
            tell(f"access token: warming up {name}")
            self._get(name, connections=WARM_UP_CONNECTIONS, seconds=WARM_UP_SECONDS)

    def measure(self, connections: int, tell: Tell) -> Scenario:
        """Measure all variants in turn at one number of connections."""
        seconds = self._effort.seconds
        variants = {
            name: partial(self._get, name, connections=connections, seconds=seconds) for name in self._ports
        }
        return measure_in_turn(
            f"access token, {connections} connections",
            variants,
            subject=PORTAL,
            turns=self._effort.turns,
            tell=tell,
        )

    def _get(self, name: str, *, connections: int, seconds: float) -> Measurement:
        is_portal = name == PORTAL
        requests = self._requests if is_portal else [b"GET /empty HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]
        # Each process of the load client needs one of its own to repeat.
        load = Load(self._ports[name], requests * 2, seconds, connections, repeats=True)
        return run_checked(load, self._is_right_token if is_portal else _is_empty)[0]

    def _is_right_token(self, sample: Sample) -> bool:
        expected = self._tokens[sample.request_number % len(self._tokens)]
        return bool(json.loads(sample.body)["access_token"] == expected)


def _is_empty(sample: Sample) -> bool:
    return bool(json.loads(sample.body) == {})


def _token_request(seed: Mapping[str, Any], corp_id: str) -> bytes:
    head = (
        f"GET /api/v1/tenants/{seed['suite_key']}/{corp_id}/access-token HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {seed['api_key']}",
    )
    return "\r\n".join([*head, "", ""]).encode()
