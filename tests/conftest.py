"""What every test may ask for, and what holds for the whole run."""

import signal
from collections.abc import Iterator

import pytest
import structlog

from tests.support import services


def pytest_configure(config: pytest.Config) -> None:
    """A run that is told to end stops what it has started, as after Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """The URL of a PostgreSQL server, for journeys with processes of their own."""
    return services.postgresql_url()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis server, for journeys with processes of their own."""
    return services.redis_url()


@pytest.fixture(autouse=True)
def _no_bound_log_context() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()
