import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.journeys.processes import eventually
from tests.support import services
from tests.support.checkout import ROOT, clean_environment

START = """
import sys
from tests.support import services
print(getattr(services, sys.argv[1])(), flush=True)
input()
"""

pytestmark = pytest.mark.journey


@contextmanager
def run_with(server: str, folder) -> Iterator[tuple[subprocess.Popen, int]]:
    """A test run that has started a server; yields it and the server's port."""
    command = [sys.executable, "-c", START, server]
    env = clean_environment(TMPDIR=str(folder))
    run = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield run, urlsplit(run.stdout.readline()).port
    finally:
        run.kill()
        run.communicate()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def folder(tmp_path_factory):
    """A folder that PostgreSQL's user may enter, too."""
    folder = tmp_path_factory.mktemp("services")
    for path in (folder, *folder.parents):  # how deep it lies depends on pytest-xdist
        if path == Path(tempfile.gettempdir()):
            break
        path.chmod(0o755)
    return folder


@pytest.mark.parametrize("server", ["start_postgresql", "start_redis"])
def test_a_server_ends_with_its_run_and_leaves_nothing(server, folder):
    with run_with(server, folder) as (run, port):
        assert is_listening(port)
        run.communicate("end\n", timeout=60)

    assert not is_listening(port)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("server", ["start_postgresql", "start_redis"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_when_its_run_is_killed(server, number, folder):
    with run_with(server, folder) as (run, port):
        os.kill(run.pid, number)

        eventually(lambda: not is_listening(port), within=30, what=f"{server} has ended")


def test_the_services_of_the_environment_are_used_when_it_names_them(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://tester@127.0.0.1:1/tests")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    assert services.postgresql_url.__wrapped__() == "postgres://tester@127.0.0.1:1/tests"
    assert services.redis_url.__wrapped__() == "redis://127.0.0.1:1/0"
