"""
The keys that encrypt what is stored, and how a stored value is bound to its place.

A value is encrypted by AES-256-GCM under the first key of the ring. Its associated data is
`table|column|row id`, so that a value moved to another row or column does not decrypt. The id of the
key is stored with the value, so that it is known which values still need an old key.

    text     v1:<key id>:<base64 of nonce, ciphertext, tag>
    binary   v1:<key id>:<nonce, ciphertext, tag>, of the packed bytes
"""

import binascii
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from dingtalk.foundation.compaction import compact, expand

VARIABLE = "FIELD_ENCRYPTION_KEYS"
FORMAT_VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
# JSON can bring half of a pair: stored as it came, and no error with the whole text in it.
_LONE_SURROGATES = "surrogatepass"
# A random key of 32 bytes has about 30 different ones; fewer than 16 does not happen by chance.
_FEWEST_DISTINCT_BYTES = 16


class KeyRingError(ImproperlyConfigured):
    """The configured keys cannot be used. The message names the variable and never a value."""


class DecryptionError(Exception):
    """
    A stored value cannot be decrypted: wrong or missing key, changed bytes, or moved from elsewhere.

    Says where the value is (`table`, `column`, `row_id`), its `key_id` as stored (None when that
    cannot be read) and the `reason`; never any part of the value.
    """

    def __init__(self, *, table: str, column: str, row_id: str, key_id: str | None, reason: str) -> None:
        self.table = table
        self.column = column
        self.row_id = row_id
        self.key_id = key_id
        self.reason = reason
        super().__init__(f"{table}.{column} of row {row_id} (key {key_id or 'unknown'}): {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call __init__ with the message alone, and fail in another process.
        return _rebuilt_error, (self.table, self.column, self.row_id, self.key_id, self.reason)


def _rebuilt_error(table: str, column: str, row_id: str, key_id: str | None, reason: str) -> DecryptionError:
    return DecryptionError(table=table, column=column, row_id=row_id, key_id=key_id, reason=reason)


@dataclass(frozen=True, slots=True)
class Place:
    """The table, column and row that a stored value belongs to."""

    table: str
    column: str
    row_id: str

    @property
    def associated_data(self) -> bytes:
        """The bytes that are authenticated with the value."""
        return f"{self.table}|{self.column}|{self.row_id}".encode()

    def error(self, reason: str, *, key_id: str | None = None) -> DecryptionError:
        """Return the error for a value here that cannot be decrypted."""
        return DecryptionError(
            table=self.table, column=self.column, row_id=self.row_id, key_id=key_id, reason=reason
        )


class KeyRing:
    """Keys by id. The first one encrypts, each of them decrypts what names it."""

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """Take (id, 32 bytes) pairs; raises KeyRingError for an empty ring, odd ids and weak keys."""
        pairs = list(keys)
        _refuse_unusable(pairs)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in pairs}
        self.key_ids = tuple(key_id for key_id, _ in pairs)

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read `id:base64,id2:base64`, each key 32 random bytes; the first one encrypts.

        Raises KeyRingError, which names the variable and the id, never a key.
        """
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        return cls(_parsed_entry(entry, position) for position, entry in enumerate(entries, start=1))

    @property
    def primary_id(self) -> str:
        """The id of the key that encrypts."""
        return self.key_ids[0]

    def __repr__(self) -> str:
        return f"KeyRing(key_ids={self.key_ids})"

    def encrypt_text(self, plaintext: str, place: Place) -> str:
        """Encrypt for a text column."""
        sealed = self._seal(plaintext.encode(errors=_LONE_SURROGATES), place)
        return f"{FORMAT_VERSION}:{self.primary_id}:{b64encode(sealed).decode()}"

    def decrypt_text(self, stored: str, place: Place) -> str:
        """Decrypt what a text column holds; raises DecryptionError."""
        key_id, encoded = _split(stored, ":", place)
        try:
            sealed = b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise place.error("not base64", key_id=key_id) from error
        return self._open(key_id, sealed, place).decode(errors=_LONE_SURROGATES)

    def encrypt_bytes(self, plaintext: bytes, place: Place) -> bytes:
        """Pack and encrypt for a binary column."""
        return f"{FORMAT_VERSION}:{self.primary_id}:".encode() + self._seal(compact(plaintext), place)

    def decrypt_bytes(self, stored: bytes, place: Place) -> bytes:
        """Decrypt what a binary column holds; raises DecryptionError."""
        key_id, sealed = _split(stored, b":", place)
        packed = self._open(key_id, sealed, place)
        try:
            return expand(packed)
        except ValueError as error:
            raise place.error(str(error), key_id=key_id) from error

    def _seal(self, plaintext: bytes, place: Place) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[self.primary_id].encrypt(nonce, plaintext, place.associated_data)

    def _open(self, key_id: str, sealed: bytes, place: Place) -> bytes:
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise place.error(f"its key is not in {VARIABLE}", key_id=key_id)
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise place.error("too short", key_id=key_id)
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.associated_data)
        except InvalidTag as error:
            reason = "wrong key, changed, or moved from another place"
            raise place.error(reason, key_id=key_id) from error


def key_id_of(stored: str | bytes) -> str | None:
    """Return the id of the key that a stored value names, or None when it is not in our format."""
    head = stored[:64].decode("latin-1") if isinstance(stored, bytes) else stored[:64]
    parts = head.split(":", 2)
    if len(parts) < 3 or parts[0] != FORMAT_VERSION or not _KEY_ID.fullmatch(parts[1]):
        return None
    return parts[1]


@lru_cache(maxsize=1)
def active_keyring() -> KeyRing:
    """Return the ring of settings.FIELD_ENCRYPTION_KEYS; raises KeyRingError when it is unusable."""
    configured = getattr(settings, VARIABLE, None)
    if isinstance(configured, KeyRing):
        return configured
    return KeyRing.parse(configured or "")


def _forget_keyring(*, setting: str, **_: object) -> None:
    if setting == VARIABLE:
        active_keyring.cache_clear()


setting_changed.connect(_forget_keyring, dispatch_uid="foundation.keyring")


def _split(stored: Any, separator: Any, place: Place) -> tuple[str, Any]:
    key_id = key_id_of(stored)
    if key_id is None:
        raise place.error("not an encrypted value")
    return key_id, stored.split(separator, 2)[2]


def _parsed_entry(entry: str, position: int) -> tuple[str, bytes]:
    key_id, colon, encoded = entry.partition(":")
    if not colon or not _KEY_ID.fullmatch(key_id):
        # What stands before the colon may be a key itself, so it is not repeated.
        raise KeyRingError(f"{VARIABLE}: entry {position} is not of the form id:base64.")
    try:
        # Both alphabets of base64 are in use for keys.
        return key_id, b64decode(encoded.strip().translate(_TO_STANDARD_ALPHABET), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyRingError(f"{VARIABLE}: the key {key_id!r} is not base64.") from error


_TO_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def _refuse_unusable(pairs: list[tuple[str, bytes]]) -> None:
    if not pairs:
        raise KeyRingError(f"{VARIABLE} is empty: set it to id:base64, made by `openssl rand -base64 32`.")
    seen_ids: set[str] = set()
    seen_keys: set[bytes] = set()
    for key_id, key in pairs:
        if not _KEY_ID.fullmatch(key_id):
            raise KeyRingError(f"{VARIABLE}: a key id has letters, digits, dots, - and _, 32 at most.")
        if key_id in seen_ids:
            raise KeyRingError(f"{VARIABLE}: the key id {key_id!r} is there twice.")
        if key in seen_keys:
            raise KeyRingError(f"{VARIABLE}: the key {key_id!r} is there under another id too.")
        _refuse_weak(key_id, key)
        seen_ids.add(key_id)
        seen_keys.add(key)


def _refuse_weak(key_id: str, key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"{VARIABLE}: the key {key_id!r} has {len(key)} bytes, not {KEY_BYTES}.")
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(set(key)) < _FEWEST_DISTINCT_BYTES or len(steps) == 1 or all(32 <= byte < 127 for byte in key):
        remedy = "make one by `openssl rand -base64 32`"
        raise KeyRingError(f"{VARIABLE}: the key {key_id!r} is an example, not random bytes: {remedy}.")
