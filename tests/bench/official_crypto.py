"""
The envelope as DingTalk's official Python class makes and opens it, for comparison.

Written after `DingCallbackCrypto3` of DingTalk's samples: pycryptodome, the standard library's base64, and
texts joined and encoded again. Community packages for callbacks are built the same way.
"""

import base64
import hashlib
import random
import string
import struct
import time

from Crypto.Cipher import AES

_LETTERS = string.ascii_letters + string.digits


class OfficialCrypto:
    """Signs, encrypts, verifies and decrypts for one suite."""

    def __init__(self, token: str, encoding_aes_key: str, owner_key: str) -> None:
        self._token, self._owner_key = token, owner_key
        self._aes_key = base64.b64decode(encoding_aes_key + "=")

    def encrypt(self, content: str) -> dict[str, str]:
        """Return a reply with this content."""
        length = struct.pack(">I", len(content.encode())).decode("latin-1")
        frame = "".join([self._random(16), length, content, self._owner_key])
        amount = 32 - len(frame.encode()) % 32
        padded = frame + chr(amount) * amount
        cipher = AES.new(self._aes_key, AES.MODE_CBC, self._aes_key[:16])
        encrypt = base64.encodebytes(cipher.encrypt(padded.encode())).decode()
        timestamp, nonce = str(int(time.time())), self._random(16)
        signature = self._sign(nonce, timestamp, encrypt)
        return {"msg_signature": signature, "encrypt": encrypt, "timeStamp": timestamp, "nonce": nonce}

    def decrypt(self, signature: str, timestamp: str, nonce: str, encrypt: str) -> str:
        """Return the content of a message; raises ValueError when it is not for us."""
        if signature != self._sign(nonce, timestamp, encrypt):
            raise ValueError("signature")
        cipher = AES.new(self._aes_key, AES.MODE_CBC, self._aes_key[:16])
        frame = cipher.decrypt(base64.decodebytes(encrypt.encode()))
        frame = frame[: -frame[-1]]
        length = struct.unpack("!i", frame[16:20])[0]
        if frame[20 + length :].decode() != self._owner_key:
            raise ValueError("owner")
        return frame[20 : 20 + length].decode()

    def _sign(self, nonce: str, timestamp: str, encrypt: str) -> str:
        joined = "".join(sorted([nonce, timestamp, self._token, encrypt]))
        return hashlib.sha1(joined.encode()).hexdigest()

    @staticmethod
    def _random(length: int) -> str:
        return "".join(random.choice(_LETTERS) for _ in range(length))
