"""
The callback as many write it: Flask, the crypto that community packages share, and the same INSERT.

One connection kept by each thread, one prepared statement, the body stored as it is. It verifies, stores and
acknowledges; it masks nothing, guards against nothing, and logs nothing.
"""

import hashlib
import json
import os
import threading
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from flask import Flask, Response, jsonify, request

from dingtalk.foundation.ids import new_id
from tests.bench.floor import INSERT
from tests.bench.official_crypto import OfficialCrypto

_seed = json.loads(os.environ["BENCH_SEED"])
_crypto = OfficialCrypto(_seed["callback_token"], _seed["encoding_aes_key"], _seed["suite_key"])
_suite_id = UUID(_seed["suite_id"])
_kept = threading.local()

application = Flask(__name__)


@application.get("/healthz")
def healthz() -> Response:
    """Answer that it is there."""
    return jsonify({})


@application.post("/callback/<slug>/")
def callback(slug: str) -> Response:
    """Take a push."""
    arguments, encrypt = request.args, request.get_json()["encrypt"]
    message = _crypto.decrypt(arguments["signature"], arguments["timestamp"], arguments["nonce"], encrypt)
    event = json.loads(message)
    application.logger.debug(event["EventType"])
    digest = hashlib.sha256(encrypt.encode()).hexdigest()
    row = (new_id(), _suite_id, digest, datetime.now(UTC), message.encode())
    _connection().execute(INSERT, row, prepare=True)
    reply = _crypto.encrypt("success")
    # The platform wants no line breaks, which the class writes.
    encrypt = reply["encrypt"].replace("\n", "")
    signature = _crypto._sign(reply["nonce"], reply["timeStamp"], encrypt)
    return jsonify({**reply, "encrypt": encrypt, "msg_signature": signature})


def _connection() -> psycopg.Connection:
    if not hasattr(_kept, "connection"):
        _kept.connection = psycopg.connect(
            os.environ["DATABASE_URL"], autocommit=True, options="-c synchronous_commit=on"
        )
    connection: psycopg.Connection = _kept.connection
    return connection
