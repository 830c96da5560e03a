"""How many calls we allow ourselves, below what DingTalk allows."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Our own limits; 0 is none.

    DingTalk blocks an address for five minutes above 10,000 calls in 20 s ("call-frequency-limit"), and
    refuses an app's calls of one API for one company above some 20 or 40 in a second (not published).
    `breaker_failures`: so many calls in a row without a usable answer, and an endpoint is left alone for
    `breaker_seconds`.
    """

    calls_per_second: int = 300
    calls_per_20_seconds: int = 9_000
    calls_per_second_per_api: int = 15
    breaker_failures: int = 8
    breaker_seconds: float = 15.0

    def share(self, processes: int) -> "Limits":
        """
        Return the limits of one of so many processes that do not know of each other.

        Only the budget of the address is divided: passing it costs everybody five minutes, passing the
        limit of an API costs one company a second.
        """
        return replace(
            self,
            calls_per_second=_divided(self.calls_per_second, processes),
            calls_per_20_seconds=_divided(self.calls_per_20_seconds, processes),
        )


def _divided(limit: int, processes: int) -> int:
    return max(1, limit // processes) if limit else 0
