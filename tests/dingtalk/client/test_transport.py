"""Real sockets: whatever the other side does, a call ends, in time, with an error of ours."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dingtalk.client import DingTalkClient
from dingtalk.client.http import MAX_ANSWER_BYTES
from dingtalk.protocol.errors import TransportError
from tests.dingtalk.client.client_calls import CASE, CASES, Case, make_client
from tests.support.raw_server import RawServer, http_answer

READ_SECONDS = 0.4
# On a busy machine a thread may have to wait for its turn.
SLACK_SECONDS = 2.0
REPEATABLE, UNREPEATABLE = CASE["get_corp_token"], CASE["get_permanent_code"]
BOTH = pytest.mark.parametrize("case", [REPEATABLE, UNREPEATABLE], ids=lambda case: case.name)

Behaviour = Callable[[socket.socket, RawServer], None]


def answer_of(case: Case, *headers: str) -> bytes:
    return http_answer(json.dumps(case.answer).encode(), headers=headers)


def answering(case: Case, *headers: str) -> Behaviour:
    """Answer every request of a connection as it should be."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.take_request(connection):
            connection.sendall(answer_of(case, *headers))

    return behave


def sending(data: bytes) -> Behaviour:
    """Take one request, send this, and close."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.take_request(connection)
        connection.sendall(data)

    return behave


def dripping(start: bytes, piece: bytes) -> Behaviour:
    """Take one request, send the start, and then a piece again and again, each in time."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.take_request(connection)
        connection.sendall(start)
        server.drip(connection, piece, pause_seconds=READ_SECONDS / 8)

    return behave


def failure(server: RawServer, case: Case) -> TransportError:
    with pytest.raises(TransportError) as caught:
        case.make(make_client(server.base_url, read_timeout_seconds=READ_SECONDS))
    return caught.value


def timed(server: RawServer, case: Case) -> tuple[TransportError, float]:
    started = time.monotonic()
    error = failure(server, case)
    return error, time.monotonic() - started


HANGS: dict[str, Behaviour] = {
    "nothing comes": lambda connection, server: server.ended.wait(10) and None,
    "the status line drips": dripping(b"HTTP/1.1 200 ", b"O"),
    "headers drip": dripping(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"),
    "the body drips": dripping(http_answer(b"", length=1000), b" "),
    "chunks drip": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk's length drips": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "provisional answers drip": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body without an end drips": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
}


@pytest.mark.parametrize("behave", HANGS.values(), ids=HANGS.keys())
@BOTH
def test_an_answer_that_does_not_end_in_time_is_no_answer(case: Case, behave: Behaviour):
    with RawServer(behave) as server:
        error, seconds = timed(server, case)

    assert READ_SECONDS * 0.9 <= seconds < READ_SECONDS + SLACK_SECONDS
    assert error.retryable is case.repeatable
    assert server.connections == 1


CUTS: dict[str, Behaviour] = {
    "before anything": sending(b""),
    "in the status line": sending(b"HTTP/1."),
    "in a header": sending(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "in the body": sending(http_answer(b'{"errcode":0', length=500)),
    "in a chunk": sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"),
    "before the last chunk": sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
}


@pytest.mark.parametrize("behave", CUTS.values(), ids=CUTS.keys())
@BOTH
def test_a_connection_that_is_cut_is_no_answer(case: Case, behave: Behaviour):
    with RawServer(behave) as server:
        error = failure(server, case)

    assert error.retryable is case.repeatable
    assert len(server.requests) == 1


ODD_ANSWERS = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 200 + b"\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
    "a chunk that has no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an encoding that it has not": http_answer(b"{}", headers=("Content-Encoding: gzip",)),
    "a header that is none": b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("data", ODD_ANSWERS.values(), ids=ODD_ANSWERS.keys())
@BOTH
def test_what_is_no_http_is_no_answer(case: Case, data: bytes):
    with RawServer(sending(data)) as server:
        error = failure(server, case)

    assert error.retryable is case.repeatable


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "500 Error"])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_huge_body_is_read_up_to_a_mebibyte(is_chunked: bool, status: str):
    sent = 0

    def behave(connection: socket.socket, server: RawServer) -> None:
        nonlocal sent
        server.take_request(connection)
        length = "Transfer-Encoding: chunked" if is_chunked else "Content-Length: 10000000000"
        connection.sendall(f"HTTP/1.1 {status}\r\nLocation: /\r\n{length}\r\n\r\n".encode())
        piece = b" " * 65_536
        while True:
            connection.sendall(b"10000\r\n" + piece + b"\r\n" if is_chunked else piece)
            sent += len(piece)

    with RawServer(behave) as server, pytest.raises(TransportError, match="AnswerTooLarge"):
        REPEATABLE.make(make_client(server.base_url))

    assert MAX_ANSWER_BYTES < sent < 20 * MAX_ANSWER_BYTES


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused():
    bomb = gzip.compress(b" " * 100_000_000)
    answer = http_answer(bomb, headers=("Content-Encoding: gzip",))

    with RawServer(sending(answer)) as server, pytest.raises(TransportError, match="AnswerTooLarge"):
        REPEATABLE.make(make_client(server.base_url))


def test_the_largest_answer_is_read():
    body = json.dumps(REPEATABLE.answer).encode()
    padded = body + b" " * (MAX_ANSWER_BYTES - len(body))

    with RawServer(sending(http_answer(padded))) as server:
        assert REPEATABLE.make(make_client(server.base_url)).expires_in_seconds == 7200


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_not_followed(status: str):
    with RawServer(answering(REPEATABLE)) as elsewhere:
        location = f"Location: {elsewhere.base_url}/"
        answer = http_answer(b"", status=status, headers=(location,))
        with RawServer(sending(answer)) as server:
            error = failure(server, REPEATABLE)

    assert error.reason == f"HTTP {status[:3]}"
    assert elsewhere.connections == 0


def test_many_calls_use_one_connection():
    with RawServer(answering(REPEATABLE)) as server:
        client = make_client(server.base_url)
        for _ in range(20):
            REPEATABLE.make(client)
        close_connections(client)

    assert len(server.requests) == 20
    assert server.connections == 1


def test_refusals_leave_the_connection_usable():
    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.take_request(connection):
            connection.sendall(http_answer(b'{"errcode":40014,"errmsg":"no"}'))

    with RawServer(behave) as server:
        client = make_client(server.base_url)
        for _ in range(3):
            with pytest.raises(Exception, match="40014"):
                REPEATABLE.make(client)
        close_connections(client)

    assert server.connections == 1


def test_many_threads_share_at_most_twenty_connections():
    busy = 0
    busiest = 0
    lock = threading.Lock()

    def behave(connection: socket.socket, server: RawServer) -> None:
        nonlocal busy, busiest
        while server.take_request(connection):
            with lock:
                busy += 1
                busiest = max(busiest, busy)
            time.sleep(0.01)
            with lock:
                busy -= 1
            connection.sendall(answer_of(REPEATABLE))

    with RawServer(behave) as server:
        client = make_client(server.base_url)
        with ThreadPoolExecutor(40) as pool:
            tokens = list(pool.map(lambda _: REPEATABLE.make(client).token, range(120)))
        close_connections(client)

    assert set(tokens) == {REPEATABLE.answer["access_token"]}
    assert 1 < busiest <= 20
    assert server.connections <= 20


def test_a_call_that_spends_a_code_has_a_connection_of_its_own():
    def behave(connection: socket.socket, server: RawServer) -> None:
        while request := server.take_request(connection):
            case = UNREPEATABLE if b"get_permanent_code" in request else REPEATABLE
            connection.sendall(answer_of(case))

    with RawServer(behave) as server:
        client = make_client(server.base_url)
        for case in REPEATABLE, UNREPEATABLE, REPEATABLE, UNREPEATABLE:
            case.make(client)
        close_connections(client)

    assert server.connections == 3


def test_a_connection_that_was_closed_while_idle_is_replaced():
    with RawServer(sending(answer_of(REPEATABLE))) as server:
        client = make_client(server.base_url)
        REPEATABLE.make(client)
        time.sleep(0.05)
        REPEATABLE.make(client)

    assert server.connections == 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_call_works_over_a_real_connection(case: Case):
    with RawServer(answering(case)) as server:
        client = make_client(server.base_url)
        case.make(client)
        close_connections(client)

    assert server.requests[0].startswith(f"{case.method} {case.path}".encode())


@BOTH
def test_nobody_listening_is_an_error_that_any_call_survives(case: Case):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with pytest.raises(TransportError) as caught:
        case.make(make_client(base_url))

    assert caught.value.retryable is True
    assert caught.value.reason == "not connected (ConnectionRefusedError)"


@BOTH
def test_a_host_without_an_address_is_an_error_that_any_call_survives(case: Case, monkeypatch: Any):
    def no_address(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)

    with pytest.raises(TransportError) as caught:
        case.make(make_client("http://no-such-host.invalid"))

    assert caught.value.retryable is True
    assert caught.value.reason == "not connected (gaierror)"


@BOTH
def test_a_failed_handshake_is_tried_again_and_any_call_survives_it(case: Case):
    def behave(connection: socket.socket, _server: RawServer) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")

    with RawServer(behave) as server, pytest.raises(TransportError) as caught:
        case.make(make_client(f"https://127.0.0.1:{server.port}"))

    assert caught.value.retryable is True
    assert caught.value.reason.startswith("not connected (")
    assert server.connections == 3


def test_environment_proxies_and_cookies_are_not_used(monkeypatch: Any):
    with RawServer(answering(REPEATABLE)) as proxy:
        for name in "no_proxy", "NO_PROXY":
            monkeypatch.delenv(name, raising=False)
        for name in "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY":
            monkeypatch.setenv(name, proxy.base_url)
        with RawServer(answering(REPEATABLE, "Set-Cookie: a=b; Path=/")) as server:
            client = make_client(server.base_url)
            REPEATABLE.make(client)
            REPEATABLE.make(client)
            close_connections(client)

    assert proxy.connections == 0
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


def close_connections(client: DingTalkClient) -> None:
    """Let the server see the end of idle connections, so that it can end itself."""
    client._transport._session.close()
