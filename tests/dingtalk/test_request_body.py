"""Bodies of any kind, read with a bound."""

import io
from typing import Any

import pytest
from django.test import RequestFactory

from dingtalk.protocol.errors import MalformedEnvelope
from dingtalk.request_body import read_body


class Dripping(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(7, size) if size and size > 0 else 7)


class CutOff(io.BytesIO):
    """A stream whose client goes away."""

    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError


def request_with(stream: io.BytesIO, **environment: Any) -> dict[str, Any]:
    """A request as a WSGI server makes it."""
    request = RequestFactory().post("/callback/x/")
    return {**request.environ, "wsgi.input": stream, "CONTENT_LENGTH": "", **environment}


def test_a_body_with_a_length_is_read() -> None:
    request = request_with(io.BytesIO(b"0123456789and what comes after"), CONTENT_LENGTH="10")

    assert read_body(request) == b"0123456789"


def test_a_chunked_body_is_read_to_its_end() -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}

    assert read_body(request_with(Dripping(b"x" * 100), **chunked)) == b"x" * 100


def test_a_chunked_body_is_left_alone_when_the_server_does_not_end_the_stream() -> None:
    stream = io.BytesIO(b"would block for ever")

    assert read_body(request_with(stream, HTTP_TRANSFER_ENCODING="chunked")) == b""
    assert stream.tell() == 0


@pytest.mark.parametrize("length", [10, 11])
def test_a_body_is_read_up_to_the_bound_and_refused_beyond(length: int) -> None:
    by_length = request_with(io.BytesIO(b"x" * length), CONTENT_LENGTH=str(length))
    chunked = request_with(io.BytesIO(b"x" * length), **{"wsgi.input_terminated": True})

    for request in (by_length, chunked):
        if length == 10:
            assert read_body(request, max_bytes=10) == b"x" * 10
        else:
            with pytest.raises(MalformedEnvelope):
                read_body(request, max_bytes=10)


def test_no_more_than_the_bound_is_taken_from_an_endless_body() -> None:
    stream = io.BytesIO(b"x" * 1000)

    with pytest.raises(MalformedEnvelope):
        read_body(request_with(stream, **{"wsgi.input_terminated": True}), max_bytes=10)

    assert stream.tell() == 11


def test_a_declared_length_beyond_the_bound_is_refused_unread() -> None:
    stream = io.BytesIO(b"x")

    with pytest.raises(MalformedEnvelope):
        read_body(request_with(stream, CONTENT_LENGTH="11"), max_bytes=10)

    assert stream.tell() == 0


def test_a_body_shorter_than_declared_is_what_came() -> None:
    assert read_body(request_with(io.BytesIO(b"short"), CONTENT_LENGTH="500")) == b"short"


@pytest.mark.parametrize("length", ["-1", "1e3", "ten", "٣", "9" * 30])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    request = request_with(io.BytesIO(b"x"), CONTENT_LENGTH=length)

    with pytest.raises(MalformedEnvelope):
        read_body(request)


def test_a_body_that_is_cut_off_is_refused() -> None:
    for environment in ({"CONTENT_LENGTH": "5"}, {"wsgi.input_terminated": True}):
        with pytest.raises(MalformedEnvelope):
            read_body(request_with(CutOff(), **environment))


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "x"])
def test_an_encoded_body_is_refused(encoding: str) -> None:
    request = request_with(io.BytesIO(b"x"), CONTENT_LENGTH="1", HTTP_CONTENT_ENCODING=encoding)

    with pytest.raises(MalformedEnvelope):
        read_body(request)
