"""What is made of the figures, and when they are not taken."""

import pytest

from tests.bench.client import OUT_OF_REQUESTS, LoadResult
from tests.bench.measurement import (
    InvalidRun,
    Measurement,
    Scenario,
    TooFewRequests,
    measure_in_turn,
    measurement_of,
)


def test_variants_are_run_in_turn() -> None:
    order: list[str] = []

    def run(variant: str) -> Measurement:
        order.append(variant)
        return Measurement(rate=1.0)

    variants = {"portal": lambda: run("portal"), "floor": lambda: run("floor")}
    measure_in_turn("callback", variants, subject="portal", turns=3, tell=lambda text: None)

    assert order == ["portal", "floor"] * 3


def test_a_ratio_is_the_median_of_those_within_each_turn() -> None:
    rates = {"portal": [50.0, 10.0, 60.0], "floor": [100.0, 100.0, 80.0]}
    runs = {variant: [Measurement(rate=rate) for rate in of] for variant, of in rates.items()}

    scenario = Scenario(name="callback", subject="portal", runs=runs)

    assert scenario.ratios_to("floor") == [0.5, 0.1, 0.75]
    assert scenario.ratio_to("floor") == 0.5
    assert scenario.median_of("portal", "rate") == 50.0
    assert scenario.median_of("portal", "p99_ms") is None


def test_percentiles_are_those_of_the_answers() -> None:
    result = LoadResult(started=10.0, ended=12.0, cpu_seconds=0.5)
    result.latencies = [number / 1000 for number in range(1, 1001)]

    measurement = measurement_of(result)

    assert measurement.rate == 500.0
    assert measurement.p50_ms == pytest.approx(500, rel=0.01)
    assert measurement.p99_ms == pytest.approx(990, rel=0.01)
    assert measurement.client_cores == 0.25


def test_a_run_with_a_single_error_does_not_count() -> None:
    result = LoadResult(started=0.0, ended=1.0)
    result.latencies = [0.001] * 1000
    result.errors["status 503"] = 1

    with pytest.raises(InvalidRun, match="status 503"):
        measurement_of(result)


def test_a_run_that_had_nothing_left_to_send_is_told_from_one_that_failed() -> None:
    result = LoadResult(started=0.0, ended=1.0)
    result.errors[OUT_OF_REQUESTS] = 16

    with pytest.raises(TooFewRequests):
        measurement_of(result)

    result.errors["connection lost"] = 1
    with pytest.raises(InvalidRun, match="connection lost"):
        measurement_of(result)


def test_a_run_without_answers_does_not_count() -> None:
    with pytest.raises(InvalidRun):
        measurement_of(LoadResult(started=0.0, ended=1.0))
