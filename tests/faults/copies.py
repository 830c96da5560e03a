"""Copies of one message, as anybody who listens on the line could make some of them."""

import itertools
import random
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

from dingtalk.simulator.crypto import Envelope
from dingtalk.simulator.signing import envelope_signature
from tests.faults.pusher import Deliver, Reply, Target, post, seal

MOST_COPIES = 5
AT_ONCE = 4
_TRIES_TO_SHIFT = 20


def send_copies(chooser: random.Random) -> Deliver:
    """Return what delivers each message one to five times, four of them at the same instant."""
    lock = Lock()

    def deliver(target: Target, message: str) -> list[Reply]:
        with lock:
            count = chooser.randint(1, MOST_COPIES)
        envelopes = list(itertools.islice(_copies(target, message), count))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            start = Barrier(min(count, AT_ONCE))

            def post_together(envelope: Envelope) -> Reply:
                start.wait(timeout=10)
                return post(target, envelope)

            replies = list(threads.map(post_together, envelopes[:AT_ONCE]))
        return replies + [post(target, envelope) for envelope in envelopes[AT_ONCE:]]

    return deliver


def _copies(target: Target, message: str) -> Iterator[Envelope]:
    """Yield the message: as it is, again, shifted, re-signed, re-encrypted."""
    first, shifted = _shiftable(target, message)
    yield first
    yield shifted
    yield _signed_again(target, first)
    yield seal(target, message)
    yield first


def _shiftable(target: Target, message: str) -> tuple[Envelope, Envelope]:
    """
    Return an envelope, and one in which a character has moved from the time to the nonce.

    What is signed is all parts joined without anything between them: the signature is right for both. Not
    every token lets the two stand side by side; then the second is the first again.
    """
    envelope = seal(target, message)
    for _ in range(_TRIES_TO_SHIFT):
        now_ms = str(int(time.time() * 1000))
        envelope = target.keys.seal(message, timestamp=now_ms, nonce=f"2{secrets.token_hex(4)}")
        moved = Envelope(
            timestamp=now_ms[:-1],
            nonce=now_ms[-1] + envelope.nonce,
            encrypt=envelope.encrypt,
            signature=envelope.signature,
        )
        if _signature(target, moved) == envelope.signature:
            return envelope, moved
    return envelope, envelope


def _signed_again(target: Target, envelope: Envelope) -> Envelope:
    again = Envelope(str(int(time.time() * 1000)), secrets.token_hex(4), envelope.encrypt, "")
    return Envelope(again.timestamp, again.nonce, again.encrypt, _signature(target, again))


def _signature(target: Target, envelope: Envelope) -> str:
    return envelope_signature(
        token=target.keys.token,
        timestamp=envelope.timestamp,
        nonce=envelope.nonce,
        encrypt=envelope.encrypt,
    )
