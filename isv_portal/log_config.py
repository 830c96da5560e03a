"""
One JSON object a line on standard output, with request id, suite and corp, and no secret.

A line is a constant message plus fields. Our modules use the standard library's loggers with `extra`;
structlog's formatter at the handler renders those and structlog's own events alike. What the current
request or task has bound (`structlog.contextvars.bind_contextvars`) is on each of its lines.
"""

import logging
import logging.config
from typing import Any

import structlog
from django.http import HttpRequest

from dingtalk.foundation.plain_records import PlainRecord
from dingtalk.foundation.redaction import RedactingFilter, redact_event


class RequestWithoutQuery(logging.Filter):
    """Puts method and path in the place of a request object: its query is never logged. Drops nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            record.request = f"{request.method} {request.path}"
        return True


_SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """
    Renders records of both kinds of logger as one line of JSON, masked once more at the end.

    A plain record has nothing to mask, and renders itself.
    """

    def __init__(self) -> None:
        super().__init__(
            foreign_pre_chain=[*_SHARED_PROCESSORS, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact_event,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return record.as_json() if isinstance(record, PlainRecord) else super().format(record)


def logging_config(*, level: str) -> dict[str, Any]:
    """Return Django's LOGGING for the given level of our own loggers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_query": {"()": RequestWithoutQuery}, "redact": {"()": RedactingFilter}},
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["no_query", "redact"],
            }
        },
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": _LIBRARY_LOGGERS,
    }


def _at(level: str) -> dict[str, Any]:
    return {"level": level, "handlers": [], "propagate": True}


_LIBRARY_LOGGERS: dict[str, Any] = {
    "django": _at("INFO"),
    # `request_finished` and `request_failed` say the same, with the request id and without the query.
    "django.request": _at("CRITICAL"),
    # A traceback for each request that names a host of its own; `request_finished` says 400.
    "django.security.DisallowedHost": _at("CRITICAL"),
    "django.server": _at("ERROR"),
    # Statements with their parameters.
    "django.db.backends": _at("WARNING"),
    # Its warnings repeat whole URLs, and old endpoints of DingTalk carry tokens in them.
    "urllib3": _at("ERROR"),
    # Both write whole frames, and addresses with the ticket of a connection.
    "websockets": _at("ERROR"),
    "dingtalk_stream": _at("ERROR"),
    "kombu": _at("WARNING"),
    "amqp": _at("WARNING"),
    "celery.worker.strategy": _at("WARNING"),
    # `task_succeeded` and `task_failed` say the same, with the ids that are bound.
    "celery.app.trace": _at("ERROR"),
    # What the web server says of itself; it logs no requests.
    "_granian": _at("WARNING"),
}


def configure_logging(config: dict[str, Any]) -> None:
    """Apply LOGGING, and make structlog's loggers go through the standard library's handlers."""
    # No line shows them, and finding them out costs each record a third of its time.
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
