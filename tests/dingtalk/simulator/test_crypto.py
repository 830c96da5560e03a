"""The simulator's envelope against published and generated vectors."""

import pytest

from dingtalk.simulator.crypto import Envelope, EnvelopeKeys, UnreadableEnvelope, aes_key_of
from tests.support.callback_signer import Signer
from tests.support.protocol_fixtures import vector_params

KEYS = EnvelopeKeys(
    token="123456", encoding_aes_key="4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", owner_key="suitekey"
)


def keys_of(given: dict) -> EnvelopeKeys:
    return EnvelopeKeys(
        token=given["token"], encoding_aes_key=given["encoding_aes_key"], owner_key=given["owner_key"]
    )


def envelope_of(given: dict) -> Envelope:
    return Envelope(
        timestamp=given["timestamp"],
        nonce=given["nonce"],
        encrypt=given["encrypt"],
        signature=given["signature"],
    )


@pytest.mark.parametrize("vector", vector_params("callback_decrypt"))
def test_a_recorded_message_opens_to_what_was_sealed(vector: dict):
    given = vector["input"]

    assert keys_of(given).open(envelope_of(given)) == vector["expect"]["plaintext"]


@pytest.mark.parametrize("vector", vector_params("callback_encrypt"))
def test_the_same_random_bytes_give_the_recorded_ciphertext(vector: dict):
    given = vector["input"]

    sealed = keys_of(given).seal(
        given["plaintext"],
        timestamp=given["timestamp"],
        nonce=given["nonce"],
        random16=given["random16"].encode(),
    )

    assert sealed.encrypt == vector["expect"]["encrypt"]
    assert sealed.signature == vector["expect"]["msg_signature"]


@pytest.mark.parametrize("vector", vector_params("callback_decrypt_negative"))
def test_a_spoilt_message_does_not_open(vector: dict):
    with pytest.raises(UnreadableEnvelope):
        keys_of(vector["input"]).open(envelope_of(vector["input"]))


@pytest.mark.parametrize("vector", vector_params("aes_key"))
def test_the_key_is_derived_as_recorded_stray_bits_and_all(vector: dict):
    assert aes_key_of(vector["input"]["encoding_aes_key"]).hex() == vector["expect"]["aes_key_hex"]


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "+", "é" * 43])
def test_a_key_of_another_form_is_refused(text: str):
    with pytest.raises(ValueError, match="43"):
        aes_key_of(text)


@pytest.mark.parametrize("length", range(64))
def test_a_message_of_any_length_opens_on_the_other_side(length: int):
    signer = Signer(KEYS.token, KEYS.encoding_aes_key, KEYS.owner_key)
    message = "é" * length

    sealed = KEYS.seal(message, timestamp="1700000000000", nonce="n")

    members = {
        "msg_signature": sealed.signature,
        "timeStamp": sealed.timestamp,
        "nonce": sealed.nonce,
        "encrypt": sealed.encrypt,
    }
    assert signer.open(members).decode() == message


def test_each_sealing_draws_other_random_bytes():
    first, second = (KEYS.seal("x", timestamp="1", nonce="n") for _ in range(2))

    assert first.encrypt != second.encrypt


@pytest.mark.parametrize("owner_key", ["suiteke", "suitekey1", "xsuitekey", ""])
def test_a_message_for_another_owner_does_not_open(owner_key: str):
    other = EnvelopeKeys(token=KEYS.token, encoding_aes_key=KEYS.encoding_aes_key, owner_key=owner_key)

    with pytest.raises(UnreadableEnvelope, match="owner"):
        KEYS.open(other.seal("success", timestamp="1", nonce="n"))


def test_key_material_is_not_in_the_text_form():
    assert KEYS.encoding_aes_key not in repr(KEYS)
