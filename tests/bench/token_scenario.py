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

# At so many connections: the least part of the empty view's rate, and the longest p99 in ms.
GOALS = {16: (0.35, 25.0), 64: (0.25, 25.0)}


def measure_token(stage: Stage, effort: Effort, tell: Tell) -> list[Scenario]:
    """Measure the token endpoint against the empty views, at each number of connections."""
    with ExitStack() as running:
        ports = {name: running.enter_context(_server(stage, name)) for name in SETTINGS}
        bench = _TokenBench(stage.seed, effort, ports)
        bench.warm_up(tell)
        scenarios = [bench.measure(connections, tell) for connections in effort.connections]
    for connections, scenario in zip(effort.connections, scenarios, strict=True):
        _tell_goals(connections, scenario, tell)
    return scenarios


def _tell_goals(connections: int, scenario: Scenario, tell: Tell) -> None:
    part, longest_ms = GOALS[connections]
    ratio, p99_ms = scenario.ratio_to("empty view"), scenario.median_of(PORTAL, "p99_ms") or 0.0
    for what, is_reached in (
        (f"{ratio:.1%} of the empty view, wanted {part:.0%}", ratio >= part),
        (f"p99 {p99_ms:.1f} ms, wanted {longest_ms:.0f} ms", p99_ms <= longest_ms),
    ):
        tell(f"{scenario.name}: {what}: {'reached' if is_reached else 'NOT reached'}")


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
