"""What every test may ask for, and what holds for the whole run."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.db import connection
from django.utils import translation

from dingtalk.client import dingtalk_client
from tests.settings import ON_POSTGRESQL
from tests.support import services
from tests.support.emptying import empty_tables_quickly
from tests.support.scheduling import FilesTogether


def pytest_configure(config: pytest.Config) -> None:
    """A run that is told to end stops what it has started, as after Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    empty_tables_quickly()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesTogether:
    """Keep the tests of some files together."""
    return FilesTogether(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the pass on PostgreSQL leave out what never asks a database."""
    if ON_POSTGRESQL:
        kept = [item for item in items if _asks_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if not _asks_database(item)])
        items[:] = kept


def _asks_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "django_db_setup", "postgresql_url", "live_server"}
    asked = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint(asked)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """
    End what threads of the run still hold, or PostgreSQL does not let go of the test's database.

    Servers and pools of threads keep their connections as long as the process lives.
    """
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


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


@pytest.fixture(autouse=True)
def _no_language_of_before() -> Iterator[None]:
    """The language that a request has asked for stays with its thread, and is no matter of the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _no_memory_of_calls() -> Iterator[None]:
    """A pause that DingTalk called for in one test is no matter of the next."""
    yield
    dingtalk_client.cache_clear()
