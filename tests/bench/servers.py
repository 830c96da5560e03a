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


def build_stage(folder: Path) -> Stage:
    """Start PostgreSQL (durable) and Redis, which end with this process, and fill the database."""
    database_url = services.start_postgresql(is_durable=True)
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
def web_server(stage: Stage, name: str, *, application: str = PORTAL, **variables: str) -> Iterator[int]:
    """Run an application on granian as the portal runs, until the block ends; yields its port."""
    port = services.free_port()
    command = web_command(host="127.0.0.1", port=port, processes=WEB_PROCESSES, threads=WEB_THREADS)
    # The portal's own command, whose last word is the application.
    command[-1] = application
    log = stage.folder / f"{name}.log"
    server = ChildProcess(
        ProcessSpec(name=name, command=command, folder=ROOT, env={**stage.env, **variables}, log=log)
    )
    try:
        _wait_until_it_answers(server, port, log)
        yield port
    finally:
        _end(server)


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
