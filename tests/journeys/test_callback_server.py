"""The callback endpoint behind the web server that it runs on: what comes in pieces, broken off, or waits."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from django.db import transaction

from dingtalk.models import ReceivedPush, Suite
from tests.journeys.processes import Process, eventually
from tests.support.callback_signer import Signer
from tests.support.callbacks import ENCODING_AES_KEY, SUITE_KEY, TOKEN, make_suite
from tests.support.protocol_fixtures import load_event
from tests.support.services import free_port
from tests.support.shared_database import environment

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


THREADS = 4
# What DingTalk waits, and what a busy machine takes to notice an answer.
LATE_SECONDS = 1.2 + 0.3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """A callback server with few threads, working on this test's database."""
    port = free_port()
    env = environment(tmp_path, PORTAL_ROLE="callback", PUBLIC_BASE_URL=f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    server = Process(
        "callback",
        [*command, "--port", str(port), "--blocking-threads", str(THREADS), "isv_portal.wsgi:application"],
        env=env,
        log_dir=tmp_path,
    ).start()
    try:
        eventually(lambda: _answers(port), within=30, what="the server answers")
        yield server
    finally:
        server.stop()


@pytest.fixture
def port(server: Process) -> int:
    """Where it listens."""
    return int(server.command[server.command.index("--port") + 1])


@pytest.fixture
def suite(db: None) -> Suite:
    """A suite that gets its events by SyncHTTP."""
    return make_suite()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _url(port: int, suite: Suite, query: dict[str, str]) -> str:
    return f"http://127.0.0.1:{port}/callback/{suite.path_slug}/?{urlencode(query)}"


def _chunks(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def test_a_push_in_chunks_is_acknowledged_and_stored(port: int, suite: Suite) -> None:
    signer = Signer(TOKEN, ENCODING_AES_KEY, SUITE_KEY)
    query, body = signer.push(load_event("org_suite_auth"))

    answer = requests.post(_url(port, suite, query), data=_chunks(body, 100), timeout=15)

    assert answer.status_code == 200
    assert signer.open(answer.json()) == b"success"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert ReceivedPush.objects.count() == 1


def test_chunks_without_end_are_refused_at_the_bound(port: int, suite: Suite) -> None:
    query, _ = Signer(TOKEN, ENCODING_AES_KEY, SUITE_KEY).push(b"{}")

    answer = requests.post(_url(port, suite, query), data=_chunks(b"x" * 3_000_000, 65_536), timeout=15)

    assert answer.status_code == 400
    assert not ReceivedPush.objects.exists()


def test_a_body_shorter_than_its_length_is_not_waited_for_for_ever(port: int, suite: Suite) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        head = f"POST /callback/{suite.path_slug}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
        client.sendall(head.encode() + b"{}")
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(1000)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert not ReceivedPush.objects.exists()


def send(port: int, suite: Suite, event: str = "org_suite_relieve") -> tuple[int, float]:
    """Push an event; return the status of the answer, and after how many seconds it came."""
    query, body = Signer(TOKEN, ENCODING_AES_KEY, SUITE_KEY).push(load_event(event))
    head = (
        f"POST /callback/{suite.path_slug}/?{urlencode(query)} HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        client.sendall(head.encode() + body)
        sent = time.monotonic()
        status = int(client.makefile("rb").readline().split()[1])
        return status, time.monotonic() - sent


def send_for(
    seconds: float, port: int, suite: Suite, pool: ThreadPoolExecutor
) -> list[Future[tuple[int, float]]]:
    """Push an event every now and then for so long."""
    sent = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sent.append(pool.submit(send, port, suite))
        time.sleep(0.06)
    return sent


def test_what_came_while_the_process_stood_still_is_acknowledged_in_time_or_not_at_all(
    server: Process, port: int, suite: Suite
) -> None:
    assert send(port, suite, "org_suite_auth")[0] == 200

    with ThreadPoolExecutor(30) as pool:
        os.killpg(server.pid, signal.SIGSTOP)
        answers = send_for(2.2, port, suite, pool)
        os.killpg(server.pid, signal.SIGCONT)
        outcomes = [answer.result() for answer in answers]

    assert 503 in {status for status, _ in outcomes}
    assert [seconds for status, seconds in outcomes if status == 200 and seconds > LATE_SECONDS] == []
    assert send(port, suite)[0] == 200


def test_what_waited_for_a_thread_is_acknowledged_in_time_or_not_at_all(port: int, suite: Suite) -> None:
    assert send(port, suite, "org_suite_auth")[0] == 200

    with ThreadPoolExecutor(30) as pool, transaction.atomic():
        # Nobody else can store anything meanwhile.
        Suite.objects.select_for_update().filter(pk=suite.pk).update(name="其他")
        answers = send_for(2.2, port, suite, pool)
    outcomes = [answer.result() for answer in answers]

    assert 503 in {status for status, _ in outcomes}
    assert [seconds for status, seconds in outcomes if status == 200 and seconds > LATE_SECONDS] == []


def test_who_sends_half_a_head_makes_nobody_else_look_late(port: int, suite: Suite) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as half:
        half.sendall(b"POST /callback/x/ HTTP/1.1\r\nHost:")
        assert send(port, suite, "org_suite_auth")[0] == 200
        time.sleep(1.5)

        assert [send(port, suite)[0] for _ in range(5)] == [200] * 5
