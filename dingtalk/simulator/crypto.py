"""
The envelope of callbacks: AES-256-CBC with a hand-made frame and a padding block of 32.

Frame: 16 random bytes, message length (4 bytes, big endian, in bytes), message (UTF-8), owner key.
Source: `callback-event-message-body-encryption-and-decryption`, `http-callback-overview`.
"""

import base64
import binascii
import secrets
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dingtalk.simulator.signing import envelope_signature, same_text

_BLOCK = 32
_RANDOM_BYTES = 16
_HEAD_BYTES = _RANDOM_BYTES + 4


class UnreadableEnvelope(Exception):
    """This is no envelope made with the suite's token and key; the text says which check failed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One encrypted message with the strings its signature covers."""

    timestamp: str
    nonce: str
    encrypt: str
    signature: str


@dataclass(frozen=True, slots=True, repr=False)
class EnvelopeKeys:
    """The key material of one suite: callback token, 43-character AES key, owner key (the suite key)."""

    token: str
    encoding_aes_key: str
    owner_key: str

    def seal(self, message: str, *, timestamp: str, nonce: str, random16: bytes | None = None) -> Envelope:
        """Encrypt and sign. `random16` is for published vectors; otherwise each call draws fresh bytes."""
        encrypt = encrypt_message(
            message,
            encoding_aes_key=self.encoding_aes_key,
            owner_key=self.owner_key,
            random16=random16 or secrets.token_bytes(_RANDOM_BYTES),
        )
        signature = envelope_signature(token=self.token, timestamp=timestamp, nonce=nonce, encrypt=encrypt)
        return Envelope(timestamp=timestamp, nonce=nonce, encrypt=encrypt, signature=signature)

    def open(self, envelope: Envelope) -> str:
        """Check the signature, decrypt, check the owner; the message, or UnreadableEnvelope."""
        expected = envelope_signature(
            token=self.token, timestamp=envelope.timestamp, nonce=envelope.nonce, encrypt=envelope.encrypt
        )
        if not same_text(expected, envelope.signature):
            raise UnreadableEnvelope("signature does not match")
        return decrypt_message(
            envelope.encrypt, encoding_aes_key=self.encoding_aes_key, owner_key=self.owner_key
        )


def aes_key_of(encoding_aes_key: str) -> bytes:
    """The 32-byte key. The last character may carry two stray bits; the platform ignores them."""
    if len(encoding_aes_key) != 43 or not encoding_aes_key.isascii() or not encoding_aes_key.isalnum():
        raise ValueError("an EncodingAESKey has exactly 43 letters and digits")
    return binascii.a2b_base64(encoding_aes_key + "=", strict_mode=False)


def encrypt_message(message: str, *, encoding_aes_key: str, owner_key: str, random16: bytes) -> str:
    """Frame, pad and encrypt one message; Base64 without line breaks."""
    text = message.encode()
    frame = random16 + struct.pack(">I", len(text)) + text + owner_key.encode()
    count = _BLOCK - len(frame) % _BLOCK
    encryptor = _cipher(aes_key_of(encoding_aes_key)).encryptor()
    sealed = encryptor.update(frame + bytes([count]) * count) + encryptor.finalize()
    return base64.standard_b64encode(sealed).decode("ascii")


def decrypt_message(encrypt: str, *, encoding_aes_key: str, owner_key: str) -> str:
    """Undo `encrypt_message`, checking padding, length and owner key."""
    frame = _without_padding(_decrypted(encrypt, key=aes_key_of(encoding_aes_key)))
    if len(frame) < _HEAD_BYTES:
        raise UnreadableEnvelope("frame is too short")
    (length,) = struct.unpack(">I", frame[_RANDOM_BYTES:_HEAD_BYTES])
    if _HEAD_BYTES + length > len(frame):
        raise UnreadableEnvelope("length reaches beyond the frame")
    if frame[_HEAD_BYTES + length :] != owner_key.encode():
        raise UnreadableEnvelope("owner key is not the suite key")
    try:
        return frame[_HEAD_BYTES : _HEAD_BYTES + length].decode()
    except UnicodeDecodeError as error:
        raise UnreadableEnvelope("message is not UTF-8") from error


def _decrypted(encrypt: str, *, key: bytes) -> bytes:
    # The official classes for Python 3 and Ruby break lines, and sign the text with the breaks.
    text = encrypt.replace("\r", "").replace("\n", "")
    try:
        sealed = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UnreadableEnvelope("encrypt is not Base64") from error
    if not sealed or len(sealed) % 16:
        raise UnreadableEnvelope("ciphertext is not whole blocks")
    decryptor = _cipher(key).decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


def _without_padding(padded: bytes) -> bytes:
    count = padded[-1]
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise UnreadableEnvelope("padding is wrong")
    return padded[:-count]


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
