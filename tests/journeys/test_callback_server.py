"""The callback endpoint behind the web server that it runs on: what comes in pieces or broken off."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from dingtalk.models import ReceivedPush, Suite
from tests.journeys.processes import Process, eventually
from tests.support.callback_signer import Signer
from tests.support.callbacks import ENCODING_AES_KEY, SUITE_KEY, TOKEN, make_suite
from tests.support.protocol_fixtures import load_event
from tests.support.services import free_port
from tests.support.shared_database import environment

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where a callback process listens, working on this test's database."""
    port = free_port()
    env = environment(tmp_path, PORTAL_ROLE="callback", PUBLIC_BASE_URL=f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    server = Process(
        "callback",
        [*command, "--port", str(port), "--blocking-threads", "4", "isv_portal.wsgi:application"],
        env=env,
        log_dir=tmp_path,
    ).start()
    try:
        eventually(lambda: _answers(port), within=30, what="the server answers")
        yield port
    finally:
        server.stop()


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
