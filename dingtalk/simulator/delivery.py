"""
Delivering one envelope and judging the reply.

The reply counts when it is HTTP 200, complete before the deadline, a JSON object with four text members,
signed and encrypted for the suite, and says `success` (`test-callback-url-events`,
`event-subscription-and-data-push`).
"""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from dingtalk.simulator.crypto import Envelope, EnvelopeKeys, UnreadableEnvelope

NOT_SUCCESS = "71009 reply text is not success"
BAD_FIELDS = "71009 field check of the HTTP result failed"
UNREACHABLE = "71012 url could not be accessed"
NO_URL = "71011 no callback URL is set"
TIMED_OUT = "timedout"

_MEMBERS = ("msg_signature", "timeStamp", "nonce", "encrypt")
_LARGEST_REPLY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RawReply:
    """What came back, unjudged. `failure` is set when no complete reply came."""

    elapsed_ms: float
    http_status: int = 0
    body: bytes = b""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a push was acknowledged, and if not, why."""

    accepted: bool
    reason: str


def post_envelope(
    *, callback_url: str, envelope: Envelope, signature_parameter: str, deadline_ms: int
) -> RawReply:
    """Send an envelope and time it from before the connection until the last byte of the reply."""
    started = time.monotonic()
    seconds = deadline_ms / 1000

    def elapsed_ms() -> float:
        return round((time.monotonic() - started) * 1000, 1)

    try:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.post(
                _url(callback_url, envelope, signature_parameter),
                data=json.dumps({"encrypt": envelope.encrypt}),
                headers={"Content-Type": "application/json", "User-Agent": "DingTalk-Simulator"},
                timeout=seconds,
                allow_redirects=False,
                stream=True,
            )
            body = _read(reply, until=started + seconds)
    except (requests.RequestException, ValueError) as error:
        # A body that stalls is a ConnectionError in requests; it is told from others by the time it took.
        is_late = isinstance(error, requests.Timeout) or elapsed_ms() >= deadline_ms
        failure = TIMED_OUT if is_late else f"{UNREACHABLE}: {type(error).__name__}"
        return RawReply(elapsed_ms(), failure=failure)
    taken_ms = elapsed_ms()
    failure = TIMED_OUT if body is None or taken_ms > deadline_ms else ""
    return RawReply(taken_ms, http_status=reply.status_code, body=body or b"", failure=failure)


def judge(reply: RawReply, *, keys: EnvelopeKeys, expected: frozenset[str]) -> Verdict:
    """Check a reply; `expected` are the plaintexts that count."""
    if reply.failure:
        return Verdict(False, reply.failure)
    if reply.http_status != 200:
        return Verdict(False, f"http statusCode is:{reply.http_status}")
    members = _members(reply.body)
    if members is None:
        return Verdict(False, BAD_FIELDS)
    envelope = Envelope(
        timestamp=members["timeStamp"],
        nonce=members["nonce"],
        encrypt=members["encrypt"],
        signature=members["msg_signature"],
    )
    try:
        plaintext = keys.open(envelope)
    except UnreadableEnvelope as error:
        return Verdict(False, f"71009 {error}")
    return Verdict(True, "ok") if plaintext in expected else Verdict(False, NOT_SUCCESS)


def _url(callback_url: str, envelope: Envelope, signature_parameter: str) -> str:
    query = urlencode(
        {
            signature_parameter: envelope.signature,
            "timestamp": envelope.timestamp,
            "nonce": envelope.nonce,
        }
    )
    return f"{callback_url}{'&' if '?' in callback_url else '?'}{query}"


def _read(reply: requests.Response, *, until: float) -> bytes | None:
    """The whole body, or None when it is too long in time or size."""
    body = bytearray()
    for chunk in reply.iter_content(4096):
        body += chunk
        if time.monotonic() > until or len(body) > _LARGEST_REPLY_BYTES:
            return None
    return bytes(body)


def _members(body: bytes) -> dict[str, str] | None:
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    members = {name: content[name] for name in _MEMBERS if isinstance(content.get(name), str)}
    return members if len(members) == len(_MEMBERS) else None
