"""
A callback as DingTalk sends it over HTTP, and our reply.

Source: open.dingtalk.com, "http-callback-overview", "receive-callback-message"
"""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from dingtalk.protocol.crypto import decrypt_message, encrypt_message
from dingtalk.protocol.errors import (
    DecryptionFailed,
    MalformedEnvelope,
    MalformedEvent,
    SignatureMismatch,
    WrongReceiver,
)
from dingtalk.protocol.json_guard import MAX_JSON_BYTES, read_json_object
from dingtalk.protocol.signing import callback_signature

MAX_BODY_BYTES = MAX_JSON_BYTES
MAX_PARAMETER_LENGTH = 64
# The owner key of the very first check of a suite that has no key yet.
CREATION_KEY = "suite4xxxxxxxxxxxxxxx"
CREATION_EVENT = "check_create_suite_url"
ACKNOWLEDGEMENT = b"success"

_SIGNATURE = re.compile(r"[0-9a-f]{40}")
_ENCRYPT = re.compile(r"[A-Za-z0-9+/=\r\n]+")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_PLAIN_START = re.compile(rb'\s*\{\s*"encrypt"\s*:\s*"')
_PLAIN_END = re.compile(rb'"\s*\}\s*')
# Sources disagree on these names; either is taken.
_SPELLINGS = {
    "signature": "signature",
    "msg_signature": "signature",
    "timestamp": "timestamp",
    "timeStamp": "timestamp",
    "nonce": "nonce",
}


@dataclass(frozen=True)
class Envelope:
    """A message as sent, signed and encrypted. Every text is exactly what came: the signature covers it."""

    signature: str = field(repr=False)
    timestamp: str
    nonce: str
    encrypt: str = field(repr=False)

    @classmethod
    def parse(cls, query: Iterable[tuple[str, str]], body: bytes) -> Self:
        """
        Read a request under a strict grammar, without decoding anything.

        `query`: every name and value of the query string, also repeated ones; names that are not DingTalk's
        are ignored, as a callback URL may have its own. Raises MalformedEnvelope, and nothing else.
        """
        parameters = _read_parameters(query)
        if not _SIGNATURE.fullmatch(parameters["signature"]):
            raise MalformedEnvelope("the signature is not 40 lower-case hex characters")
        return cls(encrypt=_plain_encrypt(body) or _read_encrypt(body), **parameters)


def _plain_encrypt(body: bytes) -> str | None:
    """Return the text of `{"encrypt":"<base64>"}`, None for any other body: it is read as JSON then."""
    start = _PLAIN_START.match(body)
    end = body.rfind(b'"')
    if start is None or len(body) > MAX_BODY_BYTES or not _PLAIN_END.fullmatch(body, end):
        return None
    text = body[start.end() : end]
    # Deleting what may be there is many times as fast as a pattern, and these characters need no parser.
    return text.decode() if text and not text.translate(None, _BASE64) else None


def _read_encrypt(body: bytes) -> str:
    encrypt = read_json_object(body, error=MalformedEnvelope).get("encrypt")
    if not isinstance(encrypt, str) or not _ENCRYPT.fullmatch(encrypt):
        raise MalformedEnvelope("encrypt is not a base64 text")
    return encrypt


def _read_parameters(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    seen: set[str] = set()
    parameters: dict[str, str] = {}
    for name, value in query:
        if (meaning := _SPELLINGS.get(name)) is None:
            continue
        if name in seen or parameters.setdefault(meaning, value) != value:
            raise MalformedEnvelope(f"{meaning} is given more than once")
        if not value.isprintable() or not 1 <= len(value) <= MAX_PARAMETER_LENGTH:
            raise MalformedEnvelope(f"{meaning} is empty, too long or not printable")
        seen.add(name)
    if missing := set(_SPELLINGS.values()) - parameters.keys():
        raise MalformedEnvelope(f"missing: {', '.join(sorted(missing))}")
    return parameters


@dataclass(frozen=True)
class CallbackCredential:
    """
    What callbacks of one suite are signed and encrypted with.

    `owner_key`: the suite key. During a rotation the token, the key, or both may be the previous ones.
    """

    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)
    owner_key: str
    is_previous_token: bool = False
    is_previous_key: bool = False

    @cached_property
    def name(self) -> str:
        """Which of the suite's credentials it is, for people."""
        token, key = (
            "previous" if each else "current" for each in (self.is_previous_token, self.is_previous_key)
        )
        return f"{token} token, {key} key"


@dataclass(frozen=True)
class OpenedEnvelope:
    """
    A message that was verified and decrypted, with the credential that fitted.

    `owner_key` is the one inside the message; the reply is sealed with it.
    """

    message: bytes = field(repr=False)
    credential: CallbackCredential
    owner_key: str


def open_envelope(envelope: Envelope, credentials: Sequence[CallbackCredential]) -> OpenedEnvelope:
    """
    Verify the signature against each credential, then decrypt with the one that made it.

    Nothing is decoded before the signature holds. Two credentials may share a token, as when only the AES key
    is rotated: then each that signed right is tried. Raises SignatureMismatch or DecryptionFailed.
    """
    # A list, not a generator: each credential is compared, whichever fits.
    signers = [credential for credential in credentials if _is_signed_with(envelope, credential)]
    if not signers:
        raise SignatureMismatch
    *earlier, last = signers
    for credential in earlier:
        try:
            return _open_with(envelope, credential)
        except DecryptionFailed:
            continue
    return _open_with(envelope, last)


def _is_signed_with(envelope: Envelope, credential: CallbackCredential) -> bool:
    expected = callback_signature(
        token=credential.token,
        timestamp=envelope.timestamp,
        nonce=envelope.nonce,
        encrypt=envelope.encrypt,
    )
    return hmac.compare_digest(expected.encode(), envelope.signature.encode())


def _open_with(envelope: Envelope, credential: CallbackCredential) -> OpenedEnvelope:
    owner_keys = (credential.owner_key, CREATION_KEY)
    message, owner_key = decrypt_message(envelope.encrypt, aes_key=credential.aes_key, owner_keys=owner_keys)
    if owner_key != credential.owner_key and not _is_creation_check(message):
        raise WrongReceiver
    return OpenedEnvelope(message=message, credential=credential, owner_key=owner_key)


def _is_creation_check(message: bytes) -> bool:
    try:
        return read_json_object(message).get("EventType") == CREATION_EVENT
    except MalformedEvent:
        return False


def seal_reply(
    *, credential: CallbackCredential, owner_key: str, timestamp: str, nonce: str, random16: bytes
) -> dict[str, str]:
    """
    Return the acknowledgement: four texts, to be sent as a JSON object.

    Always the constant `success`: a reply is itself a validly signed message, so no text that the other side
    chose is ever encrypted. `owner_key`: that of the opened envelope. `random16`: 16 fresh random bytes.
    """
    encrypt = encrypt_message(
        ACKNOWLEDGEMENT, aes_key=credential.aes_key, owner_key=owner_key, random16=random16
    )
    signature = callback_signature(token=credential.token, timestamp=timestamp, nonce=nonce, encrypt=encrypt)
    return {"msg_signature": signature, "timeStamp": timestamp, "nonce": nonce, "encrypt": encrypt}
