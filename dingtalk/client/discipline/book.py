"""
What is remembered of our calls: how many were made lately, what has to rest, which endpoints are broken.

`Book` is what the discipline asks for; it is kept in this process (`local_book`) or by all processes in one
Redis (`shared_book`). Both follow the same rules, and the same tests.
"""

from dataclasses import dataclass, field
from typing import Protocol

# A failure this long ago says nothing about now.
FORGET_FAILURES_SECONDS = 600.0
# A pause that follows the end of another one so closely is longer than that one.
REMEMBER_PAUSE_SECONDS = 60.0
LONGEST_GROWN_PAUSE_SECONDS = 60.0
# What an answer from a blocked address is known by. After its pause one call finds out whether the block is
# over, and the others wait for what it hears; how long after the pause that is remembered.
BAN_CODE = "1111"
REMEMBER_BAN_SECONDS = 600.0
# An endpoint is left alone by all only when it has failed so many companies.
COMPANIES_THAT_BREAK = 3
# Before suite and company in the name of a party's breaker; in no name of an endpoint.
PARTY_SEPARATOR = "|"
# What a caller is told while another one finds out whether an endpoint answers again.
PROBE_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """
    At most `limit` calls of a name in any `seconds`.

    `limit_alone`: for a process that does not know how many calls the others make.
    """

    key: str
    limit: int
    limit_alone: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Question:
    """
    May this call go out now?

    `pauses`: all names under which it may have to rest, that of everything first. `breaker`: the endpoint
    with its host. `party_breaker`: the same for one company of one suite; empty where none is known.
    """

    pauses: tuple[str, ...]
    breaker: str
    windows: tuple[Window, ...]
    party_breaker: str = ""


@dataclass(frozen=True, slots=True)
class Go:
    """
    The call may go out, and is counted.

    `failures`: of the endpoint before it, in a row. `is_probe`: it alone finds out whether the endpoint
    answers again, or whether DingTalk blocks our address no more.
    """

    failures: int = 0
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """The call has to wait for a pause: the one at `index` of the question's, called for by a code."""

    index: int
    seconds: float
    code: str


@dataclass(frozen=True, slots=True)
class Full:
    """The window at `index` of the question's has no room for so long."""

    index: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Broken:
    """The endpoint gave no usable answer, and is left alone for so long; `for_party`: by the company."""

    seconds: float
    for_party: bool = False


Verdict = Go | Rest | Full | Broken


@dataclass(frozen=True, slots=True)
class BookState:
    """What operators see: where the book is kept, and how long everything or some endpoints have to rest."""

    kept_in: str
    everything_rests_seconds: float = 0.0
    broken: tuple[str, ...] = field(default=())


class Book(Protocol):
    """Counts and pauses; no method raises, and none waits for more than some milliseconds."""

    def ask(self, question: Question) -> Verdict:
        """Say whether a call may go out, and count it if so; otherwise nothing is counted."""

    def pause(self, key: str, *, seconds: float, code: str) -> float:
        """
        Let a name rest, and return for how long.

        For `seconds`, doubled for each pause shortly before; a pause in force is not made shorter. After that
        of a blocked address (BAN_CODE) one call goes out alone.
        """

    def note_failure(self, question: Question, *, was_probe: bool) -> bool:
        """
        Note that an endpoint gave no usable answer; True when it is left alone from now on.

        A company alone only has it left alone for itself: with its first few failures it counts for all.
        """

    def note_success(self, question: Question) -> None:
        """Note that an endpoint answers (again)."""

    def state(self) -> BookState:
        """Return what operators see."""


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """After how many failures in a row an endpoint is left alone, and for how long; 0 failures: never."""

    failures: int
    seconds: float
    # A probe that was not heard of for so long is over: its process may have died.
    probe_seconds: float

    @property
    def failures_of_party(self) -> int:
        """How many failures of one company in a row count for all: no fewer than three have to fail."""
        return -(-self.failures // COMPANIES_THAT_BREAK)


def grown_pause(seconds: float, *, pauses_before: int) -> float:
    """Double a pause for each one shortly before it, up to a minute; longer ones stay as they are."""
    return max(seconds, min(LONGEST_GROWN_PAUSE_SECONDS, seconds * 2.0 ** min(pauses_before, 16)))
