"""What the bench measures, started for it on loopback and ended with it: services and web servers."""

import base64
import contextlib
import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isv_portal.child_process import ChildProcess, ProcessSpec
from isv_portal.processes import web_command
from tests.support import services
from tests.support.checkout import ROOT, clean_environment

WEB_PROCESSES = 2
WEB_THREADS = 4
START_SECONDS = 30.0
STOP_SECONDS = 10.0
PORTAL = "isv_portal.wsgi:application"


@dataclass(frozen=True)
class Stage:
    """A database with tables and one suite, and the environment of processes that work on it."""

    folder: Path
    database_url: str
    seed: Mapping[str, Any] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)


def build_stage(folder: Path, *, preload: Path | None = None) -> Stage:
    """
    Start PostgreSQL (durable) and Redis, which end with this process, and fill the database.

    `preload`: a library in front of PostgreSQL, such as a slow disk.
    """
    database_url = services.start_postgresql(is_durable=True, preload=preload)
    redis_url = services.start_redis()
    env = clean_environment(
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,
        CELERY_BROKER_URL=redis_url,
        DATA_DIR=str(folder / "data"),
        SECRET_KEY=secrets.token_urlsafe(50),
        FIELD_ENCRYPTION_KEYS=f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        # Counted for each request as always, but never reached.
        API_REQUESTS_PER_MINUTE=str(10**9),
        DJANGO_SETTINGS_MODULE="isv_portal.settings",
    )
    seeding = subprocess.run(
        [sys.executable, "-m", "tests.bench.seed"],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    return Stage(folder=folder, database_url=database_url, seed=json.loads(seeding.stdout), env=env)


@contextmanager
def web_server(
    stage: Stage, name: str, *, application: str = PORTAL, threads: int = WEB_THREADS, **variables: str
) -> Iterator[int]:
    """Run an application on granian as the portal runs, until the block ends; yields its port."""
    port = services.free_port()
    command = web_command(host="127.0.0.1", port=port, processes=WEB_PROCESSES, threads=threads)
    # The portal's own command, whose last word is the application.
    command[-1] = application
    log = stage.folder / f"{name}.log"
    server = ChildProcess(
        ProcessSpec(name=name, command=command, folder=ROOT, env={**stage.env, **variables}, log=log)
    )
    _pid_file(stage, name).write_text(str(server.pid))
    try:
        _wait_until_it_answers(server, port, log)
        yield port
    finally:
        _end(server)


def memory_mb(stage: Stage, name: str) -> float:
    """Return the resident memory of the largest process of a web server that runs, in MB."""
    leader = _pid_file(stage, name).read_text()
    statuses = [entry / "status" for entry in Path("/proc").glob("[0-9]*") if _session_of(entry) == leader]
    sizes = [line.split()[1] for path in statuses for line in _lines_of(path) if line.startswith("VmRSS:")]
    return max(int(size) for size in sizes) / 1024


def _pid_file(stage: Stage, name: str) -> Path:
    return stage.folder / f"{name}.pid"


def _session_of(process: Path) -> str:
    lines = _lines_of(process / "stat")
    return lines[0].rpartition(")")[2].split()[3] if lines else ""


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _wait_until_it_answers(server: ChildProcess, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if server.has_ended() or time.monotonic() > deadline:
            raise RuntimeError(f"{server.name} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False


def _end(server: ChildProcess) -> None:
    server.ask_to_end()
    deadline = time.monotonic() + STOP_SECONDS
    while not server.has_ended() and time.monotonic() < deadline:
        time.sleep(0.05)
    server.end_group()
