"""
How old an envelope says it is.

Officially signed timestamps are milliseconds (Java, captured pushes) or seconds (Python, PHP, Ruby); the Go
class sends seconds of the minute, which say nothing. Source: "http-callback-overview"
"""

# Seconds reach eleven digits in the year 5138, milliseconds had twelve until 2001.
_SECONDS_DIGITS = range(9, 12)
_MILLISECONDS_DIGITS = range(12, 15)


def read_timestamp(text: str) -> float | None:
    """Return the Unix time in seconds that a timestamp stands for; None when it stands for none."""
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) in _SECONDS_DIGITS:
        return float(text)
    return int(text) / 1_000 if len(text) in _MILLISECONDS_DIGITS else None


def is_fresh(timestamp: str, *, now_seconds: float, window_seconds: int) -> bool:
    """Tell whether a timestamp is at most so far from now, before or after; an unreadable one is not."""
    seconds = read_timestamp(timestamp)
    return seconds is not None and abs(now_seconds - seconds) <= window_seconds
