"""The stacks that journeys run on: embedded on SQLite, and services on PostgreSQL and Redis."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.journeys.operator import Operator
from tests.journeys.stack import Stack


def start_stack(kind: str, directory: Path, request: pytest.FixtureRequest) -> Stack:
    """Start the portal and the simulator, embedded or on services."""
    if kind == "embedded":
        return Stack(directory).start()
    database_url = new_database(request.getfixturevalue("postgresql_url"))
    redis_url = empty_redis(request.getfixturevalue("redis_url"))
    return Stack(directory, database_url=database_url, redis_url=redis_url).start()


def empty_redis(server_url: str) -> str:
    """Empty a Redis server and return its URL: what one stack learned of DingTalk is not for the next."""
    with redis.Redis.from_url(server_url) as server:
        server.flushall()
    return server_url


def new_database(server_url: str) -> str:
    """Make an empty database on a PostgreSQL server and return its URL."""
    name = f"journey_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server_url.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="module", params=["embedded", "services"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running portal with its simulator, of each kind."""
    started = start_stack(request.param, tmp_path_factory.mktemp(request.param), request)
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Operator:
    """Who looks at the portal from outside."""
    return Operator(stack)
