"""The signatures of callbacks and of calls as a suite; that of a page is in `jsapi`."""

import hashlib
import hmac
from base64 import b64encode


def callback_signature(*, token: str, timestamp: str, nonce: str, encrypt: str) -> str:
    """
    Return the signature of a push or of a reply: 40 lower-case hex characters.

    SHA-1 over the four texts, sorted by byte value and joined with nothing between them: characters can move
    between neighbours without changing it, so it does not tell a replay.

    Source: open.dingtalk.com, "http-callback-overview"
    """
    digest = hashlib.sha1(usedforsecurity=False)
    for part in sorted((token.encode(), timestamp.encode(), nonce.encode(), encrypt.encode())):
        digest.update(part)
    return digest.hexdigest()


def request_signature(*, suite_secret: str, suite_ticket: str, timestamp_ms: int) -> str:
    """
    Sign a call in which we identify ourselves by suite.

    HMAC-SHA256 of the time and the ticket on separate lines, keyed by the suite secret. Base64 text, not yet
    URL-quoted. `timestamp_ms`: Unix milliseconds, at most a minute off.

    Source: open.dingtalk.com, "the-signature-calculation-method-of-the-third-party-access-interface"
    """
    signed = f"{timestamp_ms}\n{suite_ticket}".encode()
    return b64encode(hmac.digest(suite_secret.encode(), signed, "sha256")).decode()
