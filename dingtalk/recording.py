"""
Pushes recorded with their secrets removed, and played again to a local portal.

A recording is a file of JSON lines: `{"received_at", "message"}`. Each secret in a message is replaced by a
word that tells it from others and opens nothing. Playing signs and encrypts anew, for the suite that the
local portal has, so the recording fits any suite.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from django.db.models import QuerySet

from dingtalk.foundation.keyring import DecryptionError
from dingtalk.foundation.sensitive_text import is_sensitive_name
from dingtalk.models import PushSource, ReceivedPush, Suite
from dingtalk.protocol.crypto import RANDOM_BYTES, decode_aes_key, encrypt_message
from dingtalk.protocol.envelope import ACKNOWLEDGEMENT, CallbackCredential, Envelope, open_envelope
from dingtalk.protocol.errors import MalformedEvent, ProtocolError
from dingtalk.protocol.json_guard import read_json_object
from dingtalk.protocol.signing import callback_signature

ANSWER_SECONDS = 10.0
# Besides those that are told by their last word: what identifies a company's licence or opens an account.
_FURTHER_SECRETS = frozenset({"authcode", "licensecode", "license_code", "random"})
_MASKED_LENGTH = 12


class BadRecording(ProtocolError):
    """The file is no recording; the text names the line."""


@dataclass(frozen=True)
class Played:
    """What came of one recorded push."""

    number: int
    event_type: str
    status: int
    is_acknowledged: bool
    elapsed_ms: int


def recorded_pushes(suite: Suite, *, since: datetime | None = None) -> QuerySet[ReceivedPush]:
    """Return the callbacks of a suite whose bodies are still kept, the oldest first."""
    pushes = ReceivedPush.objects.filter(suite=suite, source=PushSource.HTTP, body__isnull=False)
    return (pushes.filter(received_at__gte=since) if since else pushes).order_by("id")


def record(pushes: Iterable[ReceivedPush]) -> Iterator[str]:
    """Return a line of a recording for each push that can be read; what cannot is passed over."""
    for push in pushes:
        try:
            message = read_json_object(bytes(push.body or b""))
        except (DecryptionError, MalformedEvent):
            continue
        line = {"received_at": push.received_at.isoformat(), "message": _without_secrets(message)}
        yield json.dumps(line, ensure_ascii=False)


def read_recording(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Return the messages of a recording; raises BadRecording."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            message = read_json_object(line).get("message")
        except MalformedEvent as error:
            raise BadRecording(f"line {number}: {error}") from error
        if not isinstance(message, dict):
            raise BadRecording(f"line {number}: no message")
        yield message


def play(messages: Iterable[dict[str, Any]], *, suite: Suite, url: str) -> Iterator[Played]:
    """
    Push recorded messages to a local callback URL, one after the other, as DingTalk would push them.

    `suite`: whose credentials the portal at `url` has. Raises ValueError for a URL that is not on this
    machine, and requests.RequestException when nobody answers.
    """
    if not is_local(url):
        raise ValueError("recordings are played to this machine only")
    credential = CallbackCredential(
        token=suite.callback_token, aes_key=decode_aes_key(suite.encoding_aes_key), owner_key=suite.suite_key
    )
    with requests.Session() as session:
        session.trust_env = False
        for number, message in enumerate(messages, 1):
            yield _play_one(session, number, _for_suite(message, suite), credential, url)


def is_local(url: str) -> bool:
    """Tell whether a URL is on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _play_one(
    session: requests.Session, number: int, message: dict[str, Any], credential: CallbackCredential, url: str
) -> Played:
    query, body = _sealed(message, credential)
    started = time.monotonic()
    answer = session.post(
        f"{url}?{urlencode(query)}", json=body, timeout=ANSWER_SECONDS, allow_redirects=False
    )
    return Played(
        number=number,
        event_type=str(message.get("EventType", "")),
        status=answer.status_code,
        is_acknowledged=answer.ok and _is_success(answer, credential),
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )


def _sealed(message: dict[str, Any], credential: CallbackCredential) -> tuple[dict[str, str], dict[str, str]]:
    encrypt = encrypt_message(
        json.dumps(message, ensure_ascii=False).encode(),
        aes_key=credential.aes_key,
        owner_key=credential.owner_key,
        random16=secrets.token_bytes(RANDOM_BYTES),
    )
    query = {"timestamp": str(int(time.time() * 1000)), "nonce": secrets.token_hex(8)}
    signature = callback_signature(token=credential.token, encrypt=encrypt, **query)
    return {"signature": signature, **query}, {"encrypt": encrypt}


def _is_success(answer: requests.Response, credential: CallbackCredential) -> bool:
    try:
        reply = read_json_object(answer.content)
        query = [("signature", reply.get("msg_signature")), ("timestamp", reply.get("timeStamp"))]
        pairs = [(name, str(value)) for name, value in [*query, ("nonce", reply.get("nonce"))]]
        return open_envelope(Envelope.parse(pairs, answer.content), [credential]).message == ACKNOWLEDGEMENT
    except ProtocolError:
        return False


def _for_suite(message: dict[str, Any], suite: Suite) -> dict[str, Any]:
    """The message with the names of the recorded suite replaced by those of this one."""
    changed = {**message, **({"SuiteKey": suite.suite_key} if "SuiteKey" in message else {})}
    rows = message.get("bizData")
    if isinstance(rows, list):
        changed["bizData"] = [
            {**row, "subscribe_id": f"{suite.suite_id}_0"} if isinstance(row, dict) else row for row in rows
        ]
    return changed


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, name) for item in value]
    if name == "biz_data" and isinstance(value, str):
        return _text_without_secrets(value)
    is_secret = is_sensitive_name(name) or name.lower() in _FURTHER_SECRETS
    return _removed(value) if is_secret and value not in ("", None) else value


def _text_without_secrets(text: str) -> str:
    """JSON inside JSON; what is none of it cannot be searched, and is removed whole."""
    try:
        return json.dumps(_without_secrets(read_json_object(text)), ensure_ascii=False)
    except MalformedEvent:
        return "{}"


def _removed(value: Any) -> str:
    digest = hashlib.sha256(str(value).encode()).hexdigest()
    return f"removed-{digest[:_MASKED_LENGTH]}"
