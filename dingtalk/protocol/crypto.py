"""
The encryption of callbacks, both ways.

AES-256-CBC; the IV is the first half of the key. The plaintext is 16 random bytes, the message's length as
four big-endian bytes, the message, the owner key (for an ISV: the suite key), and padding to 32.

Source: open.dingtalk.com, "callback-event-message-body-encryption-and-decryption"
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import pybase64
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from dingtalk.protocol.errors import DecryptionFailed, WrongReceiver

AES_BLOCK_BYTES = 16
PADDING_BLOCK_BYTES = 32
RANDOM_BYTES = 16
_HEADER_BYTES = RANDOM_BYTES + 4
_ENCODED_KEY = re.compile(r"[A-Za-z0-9]{43}")


def decode_aes_key(encoding_aes_key: str) -> bytes:
    """
    Return the 32 bytes that the 43 characters of EncodingAESKey stand for.

    The last character has two bits too many; three keys in four have them set, which strict decoders refuse.
    Raises ValueError, without the key in its text.
    """
    if not _ENCODED_KEY.fullmatch(encoding_aes_key):
        raise ValueError("an EncodingAESKey has exactly 43 characters, each a letter or a digit")
    return b64decode(encoding_aes_key + "=")


def encrypt_message(message: bytes, *, aes_key: bytes, owner_key: str, random16: bytes) -> str:
    """
    Return the base64 text of the encrypted message, without line breaks.

    `random16`: 16 fresh random bytes, given by the caller. Raises ValueError when they are not 16.
    """
    if len(random16) != RANDOM_BYTES:
        raise ValueError("the frame starts with exactly 16 random bytes")
    owner = owner_key.encode()
    padding = PADDING_BLOCK_BYTES - (_HEADER_BYTES + len(message) + len(owner)) % PADDING_BLOCK_BYTES
    encryptor = _cipher(aes_key).encryptor()
    # Joined once: each copy of a large message costs as much as encrypting a part of it.
    frame = b"".join((random16, len(message).to_bytes(4, "big"), message, owner, bytes([padding]) * padding))
    encrypted = encryptor.update(frame) + encryptor.finalize()
    return pybase64.b64encode_as_string(encrypted)


def decrypt_message(encrypt: str, *, aes_key: bytes, owner_keys: Collection[str]) -> tuple[bytes, str]:
    """
    Return the message and that of the owner keys for which it was encrypted.

    Verify the signature before. Line breaks in `encrypt` are ignored: the official Python class writes them.
    Raises DecryptionFailed with one text for every reason; WrongReceiver, with the same text, when all but
    the owner key is right.
    """
    frame = _open_frame(encrypt, aes_key)
    owner_key = _find_owner_key(frame.tail, owner_keys)
    if not frame.is_sound:
        raise DecryptionFailed
    if owner_key is None:
        raise WrongReceiver
    return frame.message, owner_key


def read_receiver(encrypt: str, *, aes_key: bytes) -> str | None:
    """
    Return whom a message was encrypted for, None when this key does not open it.

    For diagnosis: receiving compares the receiver and never learns it.
    """
    try:
        frame = _open_frame(encrypt, aes_key)
    except DecryptionFailed:
        return None
    is_text = frame.tail.isascii() and frame.tail.decode("ascii", "replace").isprintable()
    return frame.tail.decode() if frame.is_sound and is_text else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """A decrypted frame; the message and what follows it mean something only when it is sound."""

    message: bytes
    tail: bytes
    is_sound: bool


def _open_frame(encrypt: str, aes_key: bytes) -> _Frame:
    """Decrypt and cut. All is computed before anything is refused: no reason answers sooner than another."""
    frame = _decrypt(_decode_ciphertext(encrypt), aes_key)
    padding = frame[-1]
    is_padded = 1 <= padding <= PADDING_BLOCK_BYTES and frame.endswith(bytes([padding]) * padding)
    body_end = len(frame) - padding
    message_end = _HEADER_BYTES + int.from_bytes(frame[RANDOM_BYTES:_HEADER_BYTES], "big")
    is_complete = message_end <= body_end
    return _Frame(
        message=frame[_HEADER_BYTES:message_end],
        tail=frame[message_end:body_end],
        is_sound=is_padded and is_complete,
    )


def _decode_ciphertext(encrypt: str) -> bytes:
    text = encrypt.replace("\r", "").replace("\n", "") if "\n" in encrypt or "\r" in encrypt else encrypt
    try:
        ciphertext = pybase64.b64decode(text, validate=True)
    except ValueError:
        raise DecryptionFailed from None
    if len(ciphertext) < 2 * AES_BLOCK_BYTES or len(ciphertext) % AES_BLOCK_BYTES:
        raise DecryptionFailed
    return ciphertext


@lru_cache(maxsize=32)
def _cipher(aes_key: bytes) -> Cipher[CBC]:
    """Return the cipher of a key; kept, because making one costs as much as a small message."""
    return Cipher(AES256(aes_key), CBC(aes_key[:AES_BLOCK_BYTES]))


def _decrypt(ciphertext: bytes, aes_key: bytes) -> bytes:
    decryptor = _cipher(aes_key).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


def _find_owner_key(tail: bytes, owner_keys: Collection[str]) -> str | None:
    found = None
    for owner_key in owner_keys:
        if owner_key and hmac.compare_digest(tail, owner_key.encode()):
            found = owner_key
    return found
