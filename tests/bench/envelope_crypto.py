"""The crypto of an envelope, both ways, beside DingTalk's official Python class and beside bare OpenSSL."""

import hashlib
import secrets
from collections.abc import Callable
from statistics import median
from time import process_time

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from dingtalk.protocol.crypto import decode_aes_key, decrypt_message, encrypt_message
from dingtalk.protocol.signing import callback_signature
from tests.bench.goals import Goal
from tests.bench.official_crypto import OfficialCrypto
from tests.bench.scenarios import Tell

# Lengths whose four bytes are all below 128: with others the official class writes a wrong frame.
TURNS, CALLS = 15, {2_048: 300, 200_000: 20}
TOKEN, OWNER_KEY = "bench-token", "suitebench"
ENCODING_AES_KEY = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
AES_KEY = decode_aes_key(ENCODING_AES_KEY)


def measure_envelopes(tell: Tell) -> list[Goal]:
    """Measure verifying and decrypting one message, and encrypting and signing another, of the same size."""
    tell("envelope crypto")
    small, large = (_ratios(size) for size in CALLS)
    return [
        Goal("envelope crypto, 2 KB: of the official class", f"{small[0]:.2f} ×", "≥ 2.5 ×", small[0] >= 2.5),
        Goal("envelope crypto, 200 KB: of raw OpenSSL", f"{large[1]:.0%}", "≥ 80%", large[1] >= 0.80),
        Goal("envelope crypto, 200 KB: of the official class", f"{large[0]:.2f} ×"),
    ]


def _ratios(size: int) -> tuple[float, float]:
    """Return how many times as fast as the official class, and which part of OpenSSL's rate."""
    start, end = b'{"EventType":"x","fill":"', b'"}'
    message = start + b"x" * (size - len(start) - len(end)) + end
    official = OfficialCrypto(TOKEN, ENCODING_AES_KEY, OWNER_KEY)
    sealed = official.encrypt(message.decode())
    encrypt = sealed["encrypt"].replace("\n", "")
    ours, theirs, bare = [], [], []
    for _ in range(TURNS):
        ours.append(_seconds(lambda: _portal(message, sealed, encrypt), CALLS[size]))
        theirs.append(_seconds(lambda: _official(official, message, sealed), CALLS[size]))
        bare.append(_seconds(lambda: _openssl(message, encrypt), CALLS[size]))
    pairs = list(zip(ours, theirs, bare, strict=True))
    return median(his / mine for mine, his, _ in pairs), median(raw / mine for mine, _, raw in pairs)


def _portal(message: bytes, sealed: dict[str, str], encrypt: str) -> None:
    timestamp, nonce = sealed["timeStamp"], sealed["nonce"]
    callback_signature(token=TOKEN, timestamp=timestamp, nonce=nonce, encrypt=encrypt)
    decrypt_message(encrypt, aes_key=AES_KEY, owner_keys=[OWNER_KEY])
    mine = encrypt_message(message, aes_key=AES_KEY, owner_key=OWNER_KEY, random16=secrets.token_bytes(16))
    callback_signature(token=TOKEN, timestamp=timestamp, nonce=secrets.token_hex(8), encrypt=mine)


def _official(official: OfficialCrypto, message: bytes, sealed: dict[str, str]) -> None:
    official.decrypt(sealed["msg_signature"], sealed["timeStamp"], sealed["nonce"], sealed["encrypt"])
    official.encrypt(message.decode())


def _openssl(message: bytes, encrypt: str) -> None:
    """Do OpenSSL's part, both ways: SHA-1 of as many characters, AES of as many bytes; no base64."""
    characters, blocks = encrypt.encode(), message[: len(message) // 16 * 16]
    hashlib.sha1(characters).hexdigest()
    decryptor = Cipher(AES256(AES_KEY), CBC(AES_KEY[:16])).decryptor()
    decryptor.update(blocks) + decryptor.finalize()
    encryptor = Cipher(AES256(AES_KEY), CBC(AES_KEY[:16])).encryptor()
    encryptor.update(blocks) + encryptor.finalize()
    hashlib.sha1(characters).hexdigest()


def _seconds(call: Callable[[], None], times: int) -> float:
    started = process_time()
    for _ in range(times):
        call()
    return process_time() - started
