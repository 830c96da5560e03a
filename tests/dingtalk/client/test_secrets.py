"""Whatever goes wrong: no secret in an error, its chain or a log, and no error of a library gets out."""

import http.client
import inspect
import json
import logging
import pickle
import re
import socket
import ssl
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
import responses
import urllib3

from dingtalk.protocol.errors import ApiError, DingTalkError, TransportError
from tests.dingtalk.client.client_calls import (
    CANARY,
    CASE,
    CASES,
    CORP_ID,
    CORP_TOKEN,
    SUITE_KEY,
    Case,
    make_client,
)
from tests.support.raw_server import RawServer, http_answer


class ExactLog(logging.Handler):
    """Keeps each record as it was made: the handlers of the portal mask what they write, and the record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + repr(record.__dict__)


@pytest.fixture
def exact_log(caplog: Any) -> Iterator[ExactLog]:
    """All that is logged by us and by the libraries, at any level that the settings let through."""
    handler = ExactLog()
    loggers = [logging.getLogger(name) for name in ("dingtalk", "urllib3", "requests")]
    caplog.set_level(logging.DEBUG)
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def exceptions_of(*modules: Any) -> list[type[Exception]]:
    """Every exception class of the modules that can be raised: warnings are none."""
    found = {
        each
        for module in modules
        for _name, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and not issubclass(each, Warning)
    }
    return sorted(found, key=lambda each: (each.__module__, each.__qualname__))


def below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


SYSTEM_ERRORS = [
    OSError, TimeoutError, ConnectionResetError, ConnectionRefusedError, BrokenPipeError, PermissionError,
    socket.gaierror, socket.herror, ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError,
    UnicodeError, ValueError,
]  # fmt: skip
LIBRARY_ERRORS = [
    *exceptions_of(requests.exceptions, urllib3.exceptions),
    *sorted(set(below(http.client.HTTPException)), key=lambda each: each.__qualname__),
    *SYSTEM_ERRORS,
]


def raised(kind: type[BaseException], case: Case) -> DingTalkError:
    """What a call raises when a library raises this, with the URL in its text as they all have."""
    library_error = kind.__new__(kind)
    library_error.args = (f"HTTPSConnectionPool: {case.url}?access_token={CORP_TOKEN}",)
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(case.method, case.url, body=library_error)
        with pytest.raises(DingTalkError) as caught:
            case.make(make_client())
    return caught.value


@pytest.mark.parametrize("kind", LIBRARY_ERRORS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
@pytest.mark.parametrize("name", ["get_permanent_code", "get_auth_scopes"])
def test_no_error_of_a_library_gets_out(kind: type[BaseException], name: str):
    error = raised(kind, CASE[name])

    assert type(error) is TransportError
    assert kind.__name__ in error.reason
    assert CANARY not in everything_about(error)


def test_the_walk_sees_the_classes_of_the_libraries():
    assert len(LIBRARY_ERRORS) > 60
    assert {requests.ReadTimeout, requests.exceptions.SSLError, urllib3.exceptions.MaxRetryError} < set(
        LIBRARY_ERRORS
    )


@pytest.mark.parametrize(
    "kind",
    [requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError],
)
def test_what_never_reached_dingtalk_may_always_be_repeated(kind: type[BaseException]):
    assert raised(kind, CASE["get_permanent_code"]).retryable is True


@pytest.mark.parametrize(
    "kind",
    [
        requests.ReadTimeout,
        requests.ConnectionError,
        requests.exceptions.SSLError,
        requests.exceptions.ChunkedEncodingError,
        ConnectionResetError,
        http.client.RemoteDisconnected,
    ],
)
def test_what_may_have_reached_dingtalk_is_repeated_only_where_that_is_harmless(kind: type[BaseException]):
    assert raised(kind, CASE["get_permanent_code"]).retryable is False
    assert raised(kind, CASE["get_corp_token"]).retryable is True


@each_case
@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://[::1", "gopher://x", "http://a b", "//"]
)
def test_a_call_that_cannot_be_made_shows_no_secret(case: Case, base_url: str, exact_log: ExactLog):
    with pytest.raises(TransportError) as caught:
        case.make(make_client(base_url))

    assert CANARY not in everything_about(caught.value) + exact_log.text


ECHOES = {
    "an old refusal": (
        '{{"errcode":40035,"errmsg":"bad {0}","request_id":"{0}","sub_code":"{0}"}}',
        "200 OK",
    ),
    "a wrapped refusal": ('{{"errcode":88,"errmsg":"{0}","sub_code":"40014","sub_msg":"{0}"}}', "200 OK"),
    "a code": ('{{"errcode":"{0}"}}', "200 OK"),
    "a new refusal": ('{{"code":"x {0}","message":"{0}","requestid":"{0}"}}', "400 Bad"),
    "a limit": ('{{"code":"{0}","message":"{0}"}}', "429 Slow"),
    "a page": ("<html>{0}</html>", "200 OK"),
    "a server error": ("{0}", "500 Error"),
    "a redirect": ("{0}", "302 {0}"),
}


@each_case
@pytest.mark.parametrize(("text", "status"), ECHOES.values(), ids=ECHOES.keys())
def test_an_answer_that_repeats_what_was_sent_shows_no_secret(
    case: Case, text: str, status: str, exact_log: ExactLog
):
    def behave(connection: socket.socket, server: RawServer) -> None:
        sent = secrets_in(server.take_request(connection))
        body, line = text.format(sent), status.format(quote(sent))
        connection.sendall(
            http_answer(body.encode(), status=line, headers=(f"Location: /?{quote(sent)}", "x y"))
        )

    with RawServer(behave) as server, pytest.raises(DingTalkError) as caught:
        case.make(make_client(server.base_url))

    assert CANARY in str(server.requests)
    assert case.endpoint in exact_log.text
    assert CANARY not in everything_about(caught.value) + exact_log.text


def test_a_refusal_still_says_what_was_wrong_with_the_secret():
    case = CASE["get_auth_scopes"]
    with responses.RequestsMock() as dingtalk:
        dingtalk.get(case.url, json={"errcode": 40014, "errmsg": f"no such thing: {CORP_TOKEN}!"})
        with pytest.raises(ApiError) as caught:
            case.make(make_client())

    assert caught.value.message == "no such thing: ***!"


def test_a_failed_call_is_one_line_with_what_an_operator_looks_for(caplog: Any):
    case = CASE["get_corp_token"]
    with responses.RequestsMock() as dingtalk:
        dingtalk.post(case.url, json={"errcode": 41030, "errmsg": "不行", "request_id": "req1"})
        with pytest.raises(ApiError):
            case.make(make_client())

    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "A call to DingTalk failed.")
    assert (record.endpoint, record.code, record.request_id) == ("/service/get_corp_token", "41030", "req1")
    assert (record.suite_key, record.corp_id) == (SUITE_KEY, CORP_ID)
    assert 0 <= record.elapsed_ms < 5_000


def test_a_call_without_an_answer_is_one_line_with_the_reason(caplog: Any):
    case = CASE["get_corp_token"]
    with responses.RequestsMock() as dingtalk:
        dingtalk.post(case.url, body="<html>", status=200)
        with pytest.raises(TransportError):
            case.make(make_client())

    [record] = caplog.records
    assert record.reason == "HTTP 200, not a JSON object"
    assert record.endpoint == "/service/get_corp_token"


@each_case
def test_a_call_that_succeeds_logs_nothing(case: Case, caplog: Any):
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(case.method, case.url, json=case.answer)
        case.make(make_client())

    assert caplog.records == []


def secrets_in(request: bytes) -> str:
    """A secret of a request, as the server reads it: from its query, its body, or the header for it."""
    head, _, body = request.partition(b"\r\n\r\n")
    query = head.split(b" ")[1].decode().partition("?")[2]
    fields = {
        name: requests.utils.unquote(value) for name, _, value in (p.partition("=") for p in query.split("&"))
    }
    token = re.search(rb"(?im)^x-acs-dingtalk-access-token: *(.*?)\r?$", head)
    headers = [token[1].decode()] if token else []
    values = [*fields.values(), *(json.loads(body).values() if body else []), *headers]
    return next(value for value in values if CANARY in str(value))


def everything_about(error: BaseException) -> str:
    """All that a log, a report or another process could make of an error."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = [repr(error), str(error), repr(error.__dict__), repr(error.args), repr(pickle.dumps(error))]
    return "".join([*shown, *traceback.format_exception_only(error)])
