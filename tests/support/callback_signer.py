"""
DingTalk's side of a callback, written again from the documentation for the tests.

Uses nothing of `dingtalk.protocol`: a mistake there must not agree with itself.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Signer:
    """Signs and encrypts what DingTalk pushes to one suite, and opens what the suite answers."""

    def __init__(self, token: str, encoding_aes_key: str, owner_key: str) -> None:
        self.token = token
        self.owner_key = owner_key
        self._key = base64.b64decode(encoding_aes_key + "=")

    def push(
        self,
        document: dict[str, Any] | bytes,
        *,
        timestamp: str | None = None,
        nonce: str | None = None,
        block: int = 32,
    ) -> tuple[dict[str, str], bytes]:
        """Return the query and the body of a push; bytes are sent as they are, without being JSON."""
        message = (
            document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        )
        encrypt = self.encrypt(self.frame(message, block=block))
        return self.envelope(encrypt, timestamp=timestamp, nonce=nonce)

    def envelope(
        self, encrypt: str, *, timestamp: str | None = None, nonce: str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Sign a ciphertext, whatever it is."""
        timestamp = "1700000000000" if timestamp is None else timestamp
        nonce = secrets.token_hex(4) if nonce is None else nonce
        query = {
            "signature": self.sign(timestamp, nonce, encrypt),
            "timestamp": timestamp,
            "nonce": nonce,
        }
        return query, json.dumps({"encrypt": encrypt}).encode()

    def open(self, reply: dict[str, Any]) -> bytes:
        """Check a reply as strictly as the platform, and return what it says; fails if it is wrong."""
        assert set(reply) == {"msg_signature", "timeStamp", "nonce", "encrypt"}
        assert all(isinstance(value, str) for value in reply.values())
        assert "\n" not in reply["encrypt"]
        assert reply["msg_signature"] == self.sign(reply["timeStamp"], reply["nonce"], reply["encrypt"])
        cipher = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).decryptor()
        plain = cipher.update(base64.b64decode(reply["encrypt"])) + cipher.finalize()
        assert set(plain[-plain[-1] :]) == {plain[-1]}
        body = plain[16 : -plain[-1]]
        length = int.from_bytes(body[:4], "big")
        assert body[4 + length :] == self.owner_key.encode()
        return body[4 : 4 + length]

    def sign(self, timestamp: str, nonce: str, encrypt: str) -> str:
        """Return the hex signature."""
        parts = sorted(part.encode() for part in (self.token, timestamp, nonce, encrypt))
        return hashlib.sha1(b"".join(parts)).hexdigest()

    def frame(self, message: bytes, *, block: int = 32, owner_key: str | None = None) -> bytes:
        """Return the padded plaintext around a message."""
        owner = self.owner_key if owner_key is None else owner_key
        plain = secrets.token_bytes(16) + len(message).to_bytes(4, "big") + message + owner.encode()
        count = block - len(plain) % block
        return plain + bytes([count] * count)

    def encrypt(self, padded: bytes) -> str:
        """Encrypt a plaintext that is padded already, so that a test can pad it wrongly."""
        cipher = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).encryptor()
        return base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()
