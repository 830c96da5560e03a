"""
Why a callback was refused, worked out afterwards with all that is known.

For operators and developers only: here everything is tried that receiving must not try, such as decrypting
what is not signed right. The answer never leaves for whoever sent the callback.
Source: "callback-event-message-body-encryption-and-decryption", "http-callback-overview"
"""

import binascii
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dingtalk.protocol.crypto import decrypt_message, read_receiver
from dingtalk.protocol.envelope import CREATION_KEY, Envelope
from dingtalk.protocol.errors import MalformedEnvelope, MalformedEvent
from dingtalk.protocol.events import read_push
from dingtalk.protocol.json_guard import read_json_object
from dingtalk.protocol.signing import callback_signature


class Part(StrEnum):
    """Which part of a callback was wrong."""

    SHAPE = "shape"
    SIGNATURE = "signature"
    KEY = "key"
    RECEIVER = "receiver"
    MESSAGE = "message"
    NOTHING = "nothing"


class Hint(StrEnum):
    """The likely cause; `dingtalk.diagnosis` has the words for people."""

    BODY_EMPTY = "body_empty"
    BODY_IS_FORM = "body_is_form"
    BODY_IS_PLAIN = "body_is_plain"
    BODY_NOT_JSON = "body_not_json"
    PLUS_DECODED = "plus_decoded"
    QUERY_INCOMPLETE = "query_incomplete"
    SIGNATURE_FORM = "signature_form"
    OTHER_SHAPE = "other_shape"
    TOKEN_OF_OTHER_SUITE = "token_of_other_suite"  # noqa: S105 - a name
    TOKEN_ENDED = "token_ended"  # noqa: S105 - a name
    LINE_BREAKS_CHANGED = "line_breaks_changed"
    ONLY_TOKEN_WRONG = "only_token_wrong"  # noqa: S105 - a name
    MEANT_FOR_OTHER_SUITE = "meant_for_other_suite"
    NOTHING_FITS = "nothing_fits"
    KEY_OF_OTHER_SUITE = "key_of_other_suite"
    KEY_ENDED = "key_ended"
    CIPHERTEXT_DAMAGED = "ciphertext_damaged"
    KEY_WRONG = "key_wrong"
    RECEIVER_IS_OTHER_SUITE = "receiver_is_other_suite"
    RECEIVER_IS_COMPANY = "receiver_is_company"
    RECEIVER_UNKNOWN = "receiver_unknown"
    MESSAGE_UNREADABLE = "message_unreadable"
    MESSAGE_NAMES_OTHER_SUITE = "message_names_other_suite"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class KnownCredential:
    """A token and an AES key that we know: of which suite, and whether they are still in use."""

    suite_key: str
    suite_name: str
    is_live: bool
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """What was wrong and why it may be; `subject` names the suite, receiver or rule that it is about."""

    part: Part
    hint: Hint
    subject: str = ""


def diagnose(
    query: Sequence[tuple[str, str]],
    body: bytes,
    *,
    own: Sequence[KnownCredential],
    others: Sequence[KnownCredential],
) -> Finding:
    """
    Return what was wrong with a callback to the suite of `own`.

    `own`: its credentials, those in use first, then those that have ended. `others`: all other suites'.
    """
    try:
        envelope = Envelope.parse(query, body)
    except MalformedEnvelope as error:
        return _shape(body, str(error))
    signers = [known for known in own if _signs(known, envelope)]
    live = [known for known in signers if known.is_live]
    if not live:
        return _signature(envelope, signers=signers, own=own, others=others)
    return _content(envelope, live=live, own=own, others=others)


def _shape(body: bytes, reason: str) -> Finding:
    if not body.strip():
        return Finding(Part.SHAPE, Hint.BODY_EMPTY)
    if body.lstrip().startswith((b"encrypt=", b"{%22", b"%7B%22")):
        return Finding(Part.SHAPE, Hint.BODY_IS_FORM)
    if "missing" in reason or "more than once" in reason or "printable" in reason:
        return Finding(Part.SHAPE, Hint.QUERY_INCOMPLETE, subject=reason)
    if "signature" in reason:
        return Finding(Part.SHAPE, Hint.SIGNATURE_FORM)
    return Finding(Part.SHAPE, _body_hint(body), subject=reason)


def _body_hint(body: bytes) -> Hint:
    try:
        members = read_json_object(body)
    except MalformedEvent:
        return Hint.BODY_NOT_JSON
    encrypt = members.get("encrypt")
    if isinstance(encrypt, str):
        return Hint.PLUS_DECODED if " " in encrypt else Hint.OTHER_SHAPE
    return Hint.BODY_IS_PLAIN if {"EventType", "bizData"} & members.keys() else Hint.OTHER_SHAPE


def _signature(
    envelope: Envelope,
    *,
    signers: Sequence[KnownCredential],
    own: Sequence[KnownCredential],
    others: Sequence[KnownCredential],
) -> Finding:
    if signers:
        return Finding(Part.SIGNATURE, Hint.TOKEN_ENDED)
    if any(_signs(known, changed) for changed in _with_other_line_breaks(envelope) for known in own):
        return Finding(Part.SIGNATURE, Hint.LINE_BREAKS_CHANGED)
    if other := next((known for known in others if _signs(known, envelope)), None):
        return Finding(Part.SIGNATURE, Hint.TOKEN_OF_OTHER_SUITE, subject=other.suite_name)
    if any(_opens(known, envelope) for known in own):
        return Finding(Part.SIGNATURE, Hint.ONLY_TOKEN_WRONG)
    if other := next((known for known in others if _opens(known, envelope)), None):
        return Finding(Part.SIGNATURE, Hint.MEANT_FOR_OTHER_SUITE, subject=other.suite_name)
    return Finding(Part.SIGNATURE, Hint.NOTHING_FITS)


def _with_other_line_breaks(envelope: Envelope) -> Iterator[Envelope]:
    """What a proxy may have had before it: signed with line breaks that are gone, or without those here."""
    text = "".join(envelope.encrypt.split())
    wrapped = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    for encrypt in (text, wrapped, f"{wrapped}\n"):
        yield Envelope(
            signature=envelope.signature, timestamp=envelope.timestamp, nonce=envelope.nonce, encrypt=encrypt
        )


def _content(
    envelope: Envelope,
    *,
    live: Sequence[KnownCredential],
    own: Sequence[KnownCredential],
    others: Sequence[KnownCredential],
) -> Finding:
    if not _is_whole(envelope.encrypt):
        return Finding(Part.KEY, Hint.CIPHERTEXT_DAMAGED)
    for known in live:
        receiver = read_receiver(envelope.encrypt, aes_key=known.aes_key)
        if receiver is not None:
            return _receiver(envelope, known, receiver, others=others)
    if any(_opens(known, envelope) for known in own if not known.is_live):
        return Finding(Part.KEY, Hint.KEY_ENDED)
    if other := next((known for known in others if _opens(known, envelope)), None):
        return Finding(Part.KEY, Hint.KEY_OF_OTHER_SUITE, subject=other.suite_name)
    return Finding(Part.KEY, Hint.KEY_WRONG)


def _receiver(
    envelope: Envelope, known: KnownCredential, receiver: str, *, others: Sequence[KnownCredential]
) -> Finding:
    if receiver not in (known.suite_key, CREATION_KEY):
        other = next((each for each in others if each.suite_key == receiver), None)
        if other is not None:
            return Finding(Part.RECEIVER, Hint.RECEIVER_IS_OTHER_SUITE, subject=other.suite_name)
        is_company = receiver.startswith("ding") and not receiver.startswith("dingsuite")
        hint = Hint.RECEIVER_IS_COMPANY if is_company else Hint.RECEIVER_UNKNOWN
        return Finding(Part.RECEIVER, hint, subject=receiver)
    message, _ = decrypt_message(envelope.encrypt, aes_key=known.aes_key, owner_keys=(receiver,))
    try:
        push = read_push(message)
    except MalformedEvent as error:
        return Finding(Part.MESSAGE, Hint.MESSAGE_UNREADABLE, subject=str(error))
    if push.suite_key and push.suite_key != known.suite_key:
        return Finding(Part.MESSAGE, Hint.MESSAGE_NAMES_OTHER_SUITE, subject=push.suite_key)
    return Finding(Part.NOTHING, Hint.ACCEPTED, subject=push.event_type)


def _signs(known: KnownCredential, envelope: Envelope) -> bool:
    expected = callback_signature(
        token=known.token, timestamp=envelope.timestamp, nonce=envelope.nonce, encrypt=envelope.encrypt
    )
    return hmac.compare_digest(expected, envelope.signature)


def _opens(known: KnownCredential, envelope: Envelope) -> bool:
    return read_receiver(envelope.encrypt, aes_key=known.aes_key) is not None


def _is_whole(encrypt: str) -> bool:
    """Whether the ciphertext has a length that AES can have, and is base64 at all."""
    try:
        size = len(binascii.a2b_base64("".join(encrypt.split()), strict_mode=True))
    except ValueError:
        return False
    return size >= 32 and size % 16 == 0
