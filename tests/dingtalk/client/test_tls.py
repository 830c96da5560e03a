"""The same over TLS, with a certificate made for the run."""

import ipaddress
import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dingtalk.protocol.errors import TransportError
from tests.dingtalk.client.client_calls import CASE, make_client
from tests.support.raw_server import RawServer, http_answer

READ_SECONDS = 0.5
SLACK_SECONDS = 2.0
REPEATABLE, UNREPEATABLE = CASE["get_corp_token"], CASE["get_permanent_code"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, which nobody knows yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(pem))
    return file


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate, among those that the client trusts."""
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
    return certificate


class TlsServer(RawServer):
    """A server that answers both calls as it should, or drips."""

    def __init__(self, certificate: Path, *, drips: bool = False) -> None:
        super().__init__(self._secured)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._drips = drips
        self.base_url = f"https://127.0.0.1:{self.port}"

    def _secured(self, connection: socket.socket, _server: RawServer) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secured:
            while request := self.take_request(secured):
                case = UNREPEATABLE if b"get_permanent_code" in request else REPEATABLE
                if self._drips:
                    secured.sendall(b"HTTP/1.1 200 OK\r\n")
                    self.drip(secured, b"X-A: 1\r\n", pause_seconds=READ_SECONDS / 8)
                secured.sendall(http_answer(json.dumps(case.answer).encode()))


def test_many_calls_use_one_secured_connection(trusted: Path):
    with TlsServer(trusted) as server:
        client = make_client(server.base_url)
        tokens = {REPEATABLE.make(client).token for _ in range(5)}
        client._transport._session.close()

    assert tokens == {REPEATABLE.answer["access_token"]}
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_code_is_exchanged_over_a_secured_connection(trusted: Path):
    with TlsServer(trusted) as server:
        answer = UNREPEATABLE.make(make_client(server.base_url))

    assert answer.permanent_code == UNREPEATABLE.answer["permanent_code"]


def test_a_secured_answer_that_drips_ends_in_time(trusted: Path):
    with TlsServer(trusted, drips=True) as server:
        started = time.monotonic()
        with pytest.raises(TransportError) as caught:
            UNREPEATABLE.make(make_client(server.base_url, read_timeout_seconds=READ_SECONDS))
        seconds = time.monotonic() - started

    assert READ_SECONDS * 0.9 <= seconds < READ_SECONDS + SLACK_SECONDS
    assert caught.value.retryable is False


def test_a_stranger_is_told_nothing(certificate: Path):
    with TlsServer(certificate) as server, pytest.raises(TransportError) as caught:
        UNREPEATABLE.make(make_client(server.base_url))

    assert caught.value.reason == "not connected (SSLCertVerificationError)"
    assert caught.value.retryable is True
    assert server.requests == []
