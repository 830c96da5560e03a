"""
The two signatures of the conversation.

Sources: `callback-event-message-body-encryption-and-decryption` (envelopes),
`the-signature-calculation-method-of-the-third-party-access-interface` (requests of a suite).
"""

import base64
import hashlib
import hmac


def envelope_signature(*, token: str, timestamp: str, nonce: str, encrypt: str) -> str:
    """Lower-case hex SHA-1 over the four strings, sorted by their bytes and joined without a separator."""
    parts = sorted(part.encode() for part in (token, timestamp, nonce, encrypt))
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).hexdigest()


def suite_request_signature(*, suite_secret: str, suite_ticket: str, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over the time and the ticket on separate lines, keyed by the suite secret."""
    mac = hmac.new(suite_secret.encode(), digestmod=hashlib.sha256)
    mac.update(timestamp.encode())
    mac.update(b"\n")
    mac.update(suite_ticket.encode())
    return base64.standard_b64encode(mac.digest()).decode("ascii")


def same_text(left: str, right: str) -> bool:
    """Compare two secrets without telling by the time taken where they differ."""
    # JSON may hold half a surrogate pair, which plain UTF-8 refuses.
    return hmac.compare_digest(left.encode(errors="surrogatepass"), right.encode(errors="surrogatepass"))
