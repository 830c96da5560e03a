"""Figures of single runs, and of several variants that were run in turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

from tests.bench.client import OUT_OF_REQUESTS, LoadResult

# Of fewer no percentiles can be told.
FEWEST_ANSWERS = 20


class InvalidRun(Exception):
    """A run whose figures mean nothing: something was refused, lost or wrong."""


class TooFewRequests(InvalidRun):
    """The server was faster than expected, and the load client had nothing left to send."""


@dataclass(frozen=True)
class Measurement:
    """One run of one variant. Percentiles and `client_cores` (cores that the client took) when known."""

    rate: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    client_cores: float | None = None


@dataclass(frozen=True)
class Scenario:
    """
    Variants that were run in turn: A B C, A B C, …

    `runs`: the measurements of each variant, in order. Ratios are those of `subject` to each other variant.
    """

    name: str
    subject: str
    runs: Mapping[str, list[Measurement]]

    def ratios_to(self, other: str) -> list[float]:
        """Return the subject's rate as a part of the other's, for each turn: both were measured within it."""
        pairs = zip(self.runs[self.subject], self.runs[other], strict=True)
        return [mine.rate / theirs.rate for mine, theirs in pairs]

    def ratio_to(self, other: str) -> float:
        """Return the median of the ratios."""
        return median(self.ratios_to(other))

    def median_of(self, variant: str, figure: str) -> float | None:
        """Return the median of one figure of a variant, None when it is not known."""
        values = [getattr(run, figure) for run in self.runs[variant]]
        return None if None in values else median(values)


def measure_in_turn(
    name: str,
    variants: Mapping[str, Callable[[], Measurement]],
    *,
    subject: str,
    turns: int,
    tell: Callable[[str], None],
) -> Scenario:
    """Run each variant once a turn, so that whatever else the machine does meets all of them alike."""
    runs: dict[str, list[Measurement]] = {variant: [] for variant in variants}
    for turn in range(1, turns + 1):
        for variant, measure in variants.items():
            tell(f"{name}, turn {turn} of {turns}: {variant}")
            runs[variant].append(measure())
    return Scenario(name=name, subject=subject, runs=runs)


def measurement_of(result: LoadResult) -> Measurement:
    """Return the figures of a run of the load client; raises InvalidRun when anything went wrong in it."""
    if set(result.errors) == {OUT_OF_REQUESTS}:
        raise TooFewRequests("too few requests were prepared")
    if result.errors:
        raise InvalidRun(f"not everything was answered: {dict(result.errors)}")
    if result.answers < FEWEST_ANSWERS:
        raise InvalidRun(f"only {result.answers} answers: too few for percentiles")
    percentiles = quantiles(result.latencies, n=100)
    return Measurement(
        rate=result.rate,
        p50_ms=1000 * percentiles[49],
        p95_ms=1000 * percentiles[94],
        p99_ms=1000 * percentiles[98],
        client_cores=result.cpu_seconds / result.seconds,
    )
