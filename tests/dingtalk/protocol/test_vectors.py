"""Every recorded vector, whoever made it: the platform, an official library, or an independent program."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dingtalk.protocol.crypto import decode_aes_key, decrypt_message, encrypt_message
from dingtalk.protocol.envelope import CallbackCredential, Envelope, open_envelope, seal_reply
from dingtalk.protocol.errors import (
    DecryptionFailed,
    MalformedEnvelope,
    ProtocolError,
    SignatureMismatch,
    WrongReceiver,
)
from dingtalk.protocol.jsapi import jsapi_signature, normalised_url, text_to_sign
from dingtalk.protocol.signing import callback_signature, request_signature
from tests.support.callback_signer import Signer
from tests.support.protocol_fixtures import FIXTURES, vector_params

KINDS = {
    "callback_encrypt": 15,
    "callback_decrypt_negative": 10,
    "callback_decrypt": 5,
    "third_party_signature": 3,
    "jsapi_signature": 3,
    "aes_key": 3,
    "aes_only": 1,
}


def credential_of(given):
    return CallbackCredential(
        token=given["token"],
        aes_key=decode_aes_key(given["encoding_aes_key"]),
        owner_key=given["owner_key"],
    )


def open_vector(given):
    query = [(name, given[name]) for name in ("signature", "timestamp", "nonce")]
    envelope = Envelope.parse(query, json.dumps({"encrypt": given["encrypt"]}).encode())
    return open_envelope(envelope, [credential_of(given)])


def open_strictly(given):
    """Open a message, and insist on the owner key also where it is the creation check of a new suite."""
    open_vector(given)
    decrypt_message(
        given["encrypt"],
        aes_key=decode_aes_key(given["encoding_aes_key"]),
        owner_keys=[given["owner_key"]],
    )


def test_every_kind_of_vector_is_tested_here():
    vectors = json.loads((FIXTURES / "protocol" / "vectors.json").read_text(encoding="utf-8"))["vectors"]

    counts = {kind: sum(vector["kind"] == kind for vector in vectors) for kind in KINDS}

    assert counts == KINDS
    assert len(vectors) == sum(KINDS.values())


@pytest.mark.parametrize("vector", vector_params("callback_decrypt"))
def test_a_recorded_message_opens(vector):
    opened = open_vector(vector["input"])

    assert opened.message.decode() == vector["expect"]["plaintext"]
    assert len(opened.message) == vector["expect"]["msg_len"]
    assert opened.owner_key == vector["expect"]["owner_key"]


@pytest.mark.parametrize("vector", vector_params("callback_encrypt"))
def test_a_message_is_encrypted_and_signed_as_recorded(vector):
    given, expected = vector["input"], vector["expect"]

    encrypt = encrypt_message(
        given["plaintext"].encode(),
        aes_key=decode_aes_key(given["encoding_aes_key"]),
        owner_key=given["owner_key"],
        random16=given["random16"].encode(),
    )

    assert encrypt == expected["encrypt"]
    assert expected["msg_signature"] == callback_signature(
        token=given["token"], timestamp=given["timestamp"], nonce=given["nonce"], encrypt=encrypt
    )


@pytest.mark.parametrize("vector", vector_params("callback_encrypt"))
def test_what_was_encrypted_opens_again(vector):
    given = vector["input"]

    message, owner_key = decrypt_message(
        vector["expect"]["encrypt"],
        aes_key=decode_aes_key(given["encoding_aes_key"]),
        owner_keys=[given["owner_key"]],
    )

    assert (message.decode(), owner_key) == (given["plaintext"], given["owner_key"])


@pytest.mark.parametrize("vector", vector_params("callback_encrypt"))
def test_the_signer_of_the_tests_agrees_with_the_vectors(vector):
    given, expected = vector["input"], vector["expect"]
    signer = Signer(given["token"], given["encoding_aes_key"], given["owner_key"])
    reply = {
        "msg_signature": expected["msg_signature"],
        "timeStamp": given["timestamp"],
        "nonce": given["nonce"],
        "encrypt": expected["encrypt"],
    }

    assert signer.open(reply).decode() == given["plaintext"]


@pytest.mark.parametrize(
    "vector", [param for param in vector_params("callback_encrypt") if param.id.startswith("reply-success")]
)
def test_our_reply_is_the_recorded_one(vector):
    given, expected = vector["input"], vector["expect"]

    reply = seal_reply(
        credential=credential_of(given),
        owner_key=given["owner_key"],
        timestamp=given["timestamp"],
        nonce=given["nonce"],
        random16=given["random16"].encode(),
    )

    assert reply == {
        "msg_signature": expected["msg_signature"],
        "timeStamp": given["timestamp"],
        "nonce": given["nonce"],
        "encrypt": expected["encrypt"],
    }


@pytest.mark.parametrize("vector", vector_params("callback_decrypt_negative"))
def test_a_recorded_bad_message_is_refused_for_the_recorded_reason(vector):
    reasons = {
        900005: SignatureMismatch,
        900008: DecryptionFailed,
        900009: DecryptionFailed,
        900010: WrongReceiver,
    }
    expected = reasons[vector["expect"]["error_code_strict_receiver"]]
    if vector["id"] == "bad-signature-uppercase":
        expected = MalformedEnvelope

    with pytest.raises(ProtocolError) as refusal:
        open_strictly(vector["input"])

    assert type(refusal.value) is expected


@pytest.mark.parametrize("vector", vector_params("third_party_signature"))
def test_a_call_as_a_suite_is_signed_as_recorded(vector):
    given = vector["input"]

    signature = request_signature(
        suite_secret=given["suite_secret"],
        suite_ticket=given["suite_ticket"],
        timestamp_ms=int(given["timestamp"]),
    )

    assert signature == vector["expect"]["signature"]


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
@pytest.mark.parametrize("vector", vector_params("jsapi_signature"))
def test_a_page_is_signed_as_recorded(vector, algorithm):
    given = vector["input"]

    signature = jsapi_signature(
        jsapi_ticket=given["jsapi_ticket"],
        nonce=given["nonceStr"],
        timestamp=given["timeStamp"],
        url=given["page_url"],
        algorithm=algorithm,
    )

    assert signature == vector["expect"][f"signature_{algorithm}"]


@pytest.mark.parametrize("vector", vector_params("jsapi_signature"))
def test_the_text_of_a_page_to_sign_is_the_recorded_one(vector):
    given = vector["input"]

    text = text_to_sign(
        jsapi_ticket=given["jsapi_ticket"],
        nonce=given["nonceStr"],
        timestamp=given["timeStamp"],
        url=normalised_url(given["page_url"]),
    )

    assert text == vector["expect"]["string_to_sign"]


@pytest.mark.parametrize("vector", vector_params("aes_key"))
def test_a_key_decodes_as_recorded_also_with_stray_bits(vector):
    assert decode_aes_key(vector["input"]["encoding_aes_key"]).hex() == vector["expect"]["aes_key_hex"]


@pytest.mark.parametrize("vector", vector_params("aes_only"))
def test_the_key_decrypts_a_bare_ciphertext_and_the_missing_frame_is_refused(vector):
    ciphertext = vector["input"]["ciphertext_base64"]
    key = decode_aes_key(vector["input"]["encoding_aes_key"])
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()

    with pytest.raises(DecryptionFailed):
        decrypt_message(ciphertext, aes_key=key, owner_keys=["suite4xxxxxxxxxxxxxxx"])

    plain = decryptor.update(base64.b64decode(ciphertext)) + decryptor.finalize()
    assert plain[: -plain[-1]].decode() == vector["expect"]["plaintext"]
