"""The three signatures of DingTalk: of a callback, of a call as a suite, of a page that uses the JSAPI."""

import hashlib
import hmac
from base64 import b64encode
from typing import Literal
from urllib.parse import unquote_plus


def callback_signature(*, token: str, timestamp: str, nonce: str, encrypt: str) -> str:
    """
    Return the signature of a push or of a reply: 40 lower-case hex characters.

    SHA-1 over the four texts, sorted by byte value and joined with nothing between them: characters can move
    between neighbours without changing it, so it does not tell a replay.

    Source: open.dingtalk.com, "http-callback-overview"
    """
    parts = sorted(part.encode() for part in (token, timestamp, nonce, encrypt))
    return hashlib.sha1(b"".join(parts)).hexdigest()  # noqa: S324 - the platform's choice


def request_signature(*, suite_secret: str, suite_ticket: str, timestamp_ms: int) -> str:
    """
    Sign a call in which we identify ourselves by suite.

    HMAC-SHA256 of the time and the ticket on separate lines, keyed by the suite secret. Base64 text, not yet
    URL-quoted. `timestamp_ms`: Unix milliseconds, at most a minute off.

    Source: open.dingtalk.com, "the-signature-calculation-method-of-the-third-party-access-interface"
    """
    signed = f"{timestamp_ms}\n{suite_ticket}".encode()
    return b64encode(hmac.digest(suite_secret.encode(), signed, "sha256")).decode()


def jsapi_signature(
    *,
    jsapi_ticket: str,
    nonce: str,
    timestamp: str | int,
    url: str,
    algorithm: Literal["sha256", "sha1"] = "sha256",
) -> str:
    """
    Return the hex signature for `dd.config` on the page at `url`.

    The fragment is dropped and the query decoded once as form data. `timestamp`: whatever the page passes as
    timeStamp. `algorithm`: SHA-256 as documented today, SHA-1 for old clients.

    Source: open.dingtalk.com, "jsapi-authentication"
    """
    page, question_mark, query = url.partition("#")[0].partition("?")
    signed_url = page + question_mark + unquote_plus(query)
    signed = f"jsapi_ticket={jsapi_ticket}&noncestr={nonce}&timestamp={timestamp}&url={signed_url}"
    return hashlib.new(algorithm, signed.encode()).hexdigest()
