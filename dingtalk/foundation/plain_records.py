"""
Log records that are known to hold no secret, and so need no masking.

Masking looks at every character of a line, which costs more than all else of a request that is answered in
a fraction of a millisecond. Where each value of a line is a number, an id of ours, or masked already, the
line is made here; the filter and the formatter of the handlers let it through as it is.
"""

import logging
from datetime import datetime
from uuid import UUID

import orjson

PlainValue = str | int | bool | None | UUID


class PlainRecord(logging.LogRecord):
    """A record whose event is a constant and whose fields hold no secret, by the word of whoever made it."""

    def __init__(self, *, logger: str, event: str, at: datetime, fields: dict[str, PlainValue]) -> None:
        super().__init__(logger, logging.INFO, "", 0, event, None, None)
        self._line = {"event": event, **fields, "logger": logger, "level": "info", "timestamp": at}
        self.__dict__.update(fields)

    def as_json(self) -> str:
        """Return the record as one line of JSON, in the shape of all other lines."""
        return orjson.dumps(self._line, option=orjson.OPT_UTC_Z).decode()


def log_plainly(logger: logging.Logger, event: str, *, at: datetime, **fields: PlainValue) -> None:
    """
    Log an event at level INFO with fields that hold no secret: what came from outside is masked before.

    What is bound to the context is not added. Keep it to what is logged for each request of a hot path.
    """
    if logger.isEnabledFor(logging.INFO):
        logger.handle(PlainRecord(logger=logger.name, event=event, at=at, fields=fields))
