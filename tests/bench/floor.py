"""
The floor of the callback endpoint: as little as a WSGI application can do and still keep the promise.

Bare standard library JSON, the same signature and AES both ways, the same AES-GCM of what is stored, and one
prepared INSERT on a connection that each thread keeps. No guard against odd input, no log, no look at
the suite, no routing: it shows what the rest of the portal costs, and is not fit for use.
"""

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dingtalk.foundation.ids import new_id
from dingtalk.protocol.crypto import decode_aes_key
from dingtalk.protocol.envelope import CallbackCredential, Envelope, open_envelope, seal_reply
from tests.bench.tables import FLOOR_TABLE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

INSERT = (
    f"INSERT INTO {FLOOR_TABLE} (id, suite_id, digest, received_at, body, source, repeats) "
    "VALUES (%s, %s, %s, %s, %s, 'http', 0) ON CONFLICT (suite_id, digest) DO NOTHING"
)

_seed = json.loads(os.environ["BENCH_SEED"])
_database_url = os.environ["DATABASE_URL"]
_STORES = os.environ.get("BENCH_STORES", "yes") == "yes"
_suite_id = UUID(_seed["suite_id"])
_credential = CallbackCredential(
    token=_seed["callback_token"],
    aes_key=decode_aes_key(_seed["encoding_aes_key"]),
    owner_key=_seed["suite_key"],
)
_at_rest = AESGCM(AESGCM.generate_key(bit_length=256))
_kept = threading.local()


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Verify, decrypt, store, and answer the encrypted success; GET answers that it is there."""
    if environ["REQUEST_METHOD"] == "GET":
        return _answer(b"{}", start_response)
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    encrypt = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))["encrypt"]
    envelope = Envelope(
        signature=query["signature"], timestamp=query["timestamp"], nonce=query["nonce"], encrypt=encrypt
    )
    opened = open_envelope(envelope, [_credential])
    if _STORES:
        _store(encrypt, opened.message)
    reply = seal_reply(
        credential=_credential,
        owner_key=opened.owner_key,
        timestamp=str(int(time.time() * 1000)),
        nonce=secrets.token_hex(8),
        random16=secrets.token_bytes(16),
    )
    return _answer(json.dumps(reply).encode(), start_response)


def _store(encrypt: str, message: bytes) -> None:
    row_id, gcm_nonce = new_id(), os.urandom(12)
    place = f"dingtalk_receivedpush|body|{row_id}".encode()
    body = b"v1:k1:" + gcm_nonce + _at_rest.encrypt(gcm_nonce, message, place)
    digest = hashlib.sha256(encrypt.encode()).hexdigest()
    _connection().execute(INSERT, (row_id, _suite_id, digest, datetime.now(UTC), body), prepare=True)


def _connection() -> psycopg.Connection:
    if not hasattr(_kept, "connection"):
        _kept.connection = psycopg.connect(_database_url, autocommit=True, options="-c synchronous_commit=on")
    connection: psycopg.Connection = _kept.connection
    return connection


def _answer(body: bytes, start_response: "StartResponse") -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
