"""What the two scenarios share: how long they take, and when a run counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.client import Load, Sample, run_load
from tests.bench.measurement import InvalidRun, Measurement, measurement_of

WARM_UP_SECONDS = 1.0
WARM_UP_CONNECTIONS = 16

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How long: `turns` of each variant, so many whole `seconds` each, at each number of `connections`."""

    turns: int
    seconds: int
    connections: Sequence[int]


def run_checked(load: Load, is_right: Callable[[Sample], bool]) -> tuple[Measurement, int]:
    """
    Run a load; return its figures and how many answers there were.

    Raises InvalidRun when anything was refused, lost or, in the sample, wrong.
    """
    result = run_load(load)
    measurement = measurement_of(result)
    if not all(is_right(sample) for sample in result.samples):
        raise InvalidRun("an answer with status 200 is wrong")
    return measurement, result.answers
