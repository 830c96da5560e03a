import os
import signal
import sys
import uuid
from base64 import b64encode
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from tests.isv_portal.compose_file import OURS, interpolated
from tests.journeys.processes import Process, eventually
from tests.support.checkout import clean_environment, run_python
from tests.support.services import free_port

pytestmark = pytest.mark.journey

# How the log of a process that answers no HTTP shows that it is at work.
AT_WORK = {"worker": " ready.", "beat": "beat: Starting...", "dispatcher": "", "stream": "stream_started"}


@pytest.fixture(scope="module")
def database_url(postgresql_url) -> str:
    """A new database; the name is not shared with what other journeys do."""
    name = f"compose_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return urlsplit(postgresql_url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="module")
def variables(database_url, redis_url) -> dict[str, str]:
    return {
        "SECRET_KEY": "compose-" * 8,
        "FIELD_ENCRYPTION_KEYS": "k1:" + b64encode(os.urandom(32)).decode(),
        "POSTGRES_PASSWORD": "unused",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
    }


@pytest.fixture(scope="module")
def migrated(variables) -> None:
    result = run_python(OURS["migrate"]["command"][1:], env=environment("migrate", variables))
    assert result.returncode == 0, result.stderr


def environment(name: str, variables: dict[str, str]) -> dict[str, str]:
    """What the service is given, with our services in the place of those of the compose network."""
    declared = OURS[name]["environment"]
    values = {key: interpolated(value, variables) for key, value in declared.items()}
    return clean_environment(**{**values, **{key: variables[key] for key in declared if key in variables}})


def command_of(name: str, *, port: int, folder: str) -> list[str]:
    changes = {
        "python": sys.executable,
        "0.0.0.0": "127.0.0.1",
        "8000": str(port),
        "/tmp/beat-schedule": folder,
    }
    return [changes.get(part, part) for part in OURS[name]["command"]]


@pytest.mark.parametrize(("name", "refused"), [("callback", "/admin/"), ("web", "/callback/x/")])
def test_web_processes_become_ready_and_end_when_told(name, refused, migrated, variables, tmp_path):
    port = free_port()
    command = command_of(name, port=port, folder=str(tmp_path / "beat"))
    process = Process(name, command, env=environment(name, variables), log_dir=tmp_path).start()
    try:
        eventually(lambda: is_ready(port), within=60, what=f"{name} is ready")

        assert requests.get(f"http://127.0.0.1:{port}{refused}", timeout=5).status_code in (400, 404)
        assert ends_when_told(process)
    finally:
        process.stop()


@pytest.mark.parametrize("name", AT_WORK)
def test_background_processes_start_stay_healthy_and_end_when_told(name, migrated, variables, tmp_path):
    env = {**environment(name, variables), "DATA_DIR": str(tmp_path)}
    command = command_of(name, port=0, folder=str(tmp_path / "beat"))
    process = Process(name, command, env=env, log_dir=tmp_path).start()
    try:
        eventually(lambda: AT_WORK[name] in process.log(), within=60, what=f"{name} is at work")
        check = OURS[name]["healthcheck"]["test"][2:]
        eventually(lambda: run_python(check, env=env).returncode == 0, within=30, what=f"{name} is healthy")

        assert process.is_running, process.log()
        assert ends_when_told(process)
    finally:
        process.stop()


def ends_when_told(process: Process) -> bool:
    """Tell the process alone, as a container runtime does, and see whether it ends in time."""
    os.kill(process.pid, signal.SIGTERM)
    eventually(lambda: not process.is_running, within=20, what=f"{process.name} has ended")
    return True


def is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except requests.ConnectionError:
        return False
