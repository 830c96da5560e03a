"""The one kind of world that all scenarios among the tests share: starting it takes longer than they do."""

from tests.faults.crash_points import ENVIRONMENT
from tests.faults.registry import WorldOptions

SMALL_WORLD = WorldOptions(proxied=frozenset({"postgresql"}), environment=tuple(sorted(ENVIRONMENT.items())))
