import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dingtalk.protocol.crypto import decode_aes_key, decrypt_message, encrypt_message
from dingtalk.protocol.errors import DecryptionFailed, WrongReceiver
from tests.dingtalk.protocol.conftest import AES_KEY_TEXT, SUITE_KEY, TOKEN
from tests.support.callback_signer import Signer

AES_KEY = decode_aes_key(AES_KEY_TEXT)
SIGNER = Signer(TOKEN, AES_KEY_TEXT, SUITE_KEY)


def decrypt(encrypt, owner_keys=(SUITE_KEY,)):
    return decrypt_message(encrypt, aes_key=AES_KEY, owner_keys=owner_keys)


@settings(max_examples=60, deadline=None)
@given(
    message=st.binary(max_size=300),
    owner_key=st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()),
    random16=st.binary(min_size=16, max_size=16),
)
def test_any_message_survives_the_round_trip(message, owner_key, random16):
    encrypt = encrypt_message(message, aes_key=AES_KEY, owner_key=owner_key, random16=random16)

    assert decrypt(encrypt, [owner_key]) == (message, owner_key)


@settings(max_examples=60, deadline=None)
@given(message=st.binary(max_size=200), block=st.sampled_from([16, 32]))
def test_what_the_separate_signer_encrypts_is_read(message, block):
    assert decrypt(SIGNER.encrypt(SIGNER.frame(message, block=block))) == (message, SUITE_KEY)


@settings(max_examples=60, deadline=None)
@given(noise=st.text(max_size=200))
def test_any_text_is_either_read_or_refused_with_one_error(noise):
    with pytest.raises(DecryptionFailed):
        decrypt(noise)


@pytest.mark.parametrize("position", range(64))
def test_a_message_with_one_bit_flipped_does_not_give_the_message(position):
    frame = bytearray(SIGNER.frame(b"success"))
    frame[position] ^= 1
    flips_only_the_random_bytes = position < 16

    if flips_only_the_random_bytes:
        assert decrypt(SIGNER.encrypt(bytes(frame)))[0] == b"success"
    elif 20 <= position < 27:
        assert decrypt(SIGNER.encrypt(bytes(frame)))[0] != b"success"
    else:
        with pytest.raises(DecryptionFailed):
            decrypt(SIGNER.encrypt(bytes(frame)))


def bad_frames():
    head = b"r" * 16
    body = (7).to_bytes(4, "big") + b"success" + SUITE_KEY.encode()
    good = head + body  # 48 bytes
    return {
        "padding of zero": good + b"\x01" * 15 + b"\x00",
        "padding beyond 32": good + bytes([33]) * 48,
        "one padding byte wrong": good + b"\x05" + bytes([16]) * 15,
        "no message at all": b"\x10" * 32,
        "length one too many": head
        + (8).to_bytes(4, "big")
        + b"success"
        + SUITE_KEY.encode()
        + bytes([16]) * 16,
        "length one too few": head
        + (6).to_bytes(4, "big")
        + b"success"
        + SUITE_KEY.encode()
        + bytes([16]) * 16,
        "length of 2 GiB": head + b"\x7f\xff\xff\xff" + b"success" + SUITE_KEY.encode() + bytes([16]) * 16,
        "length of 4 GiB": head + b"\xff\xff\xff\xff" + b"success" + SUITE_KEY.encode() + bytes([16]) * 16,
        "length into the padding": head
        + (30).to_bytes(4, "big")
        + b"success"
        + SUITE_KEY.encode()
        + bytes([16]) * 16,
    }


@pytest.mark.parametrize("frame", [pytest.param(frame, id=name) for name, frame in bad_frames().items()])
def test_a_badly_built_frame_is_refused_with_the_one_text(frame):
    with pytest.raises(DecryptionFailed) as refusal:
        decrypt(SIGNER.encrypt(frame))

    assert str(refusal.value) == "the message cannot be decrypted"
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "encrypt",
    ["", "=", "AAAA", "A" * 43, "!" * 64, "A" * 63 + "=", "钉" * 64, "A" * 84, "AAAA====" * 8, "\ud800" * 64],
)
def test_a_text_that_is_no_ciphertext_is_refused(encrypt):
    with pytest.raises(DecryptionFailed):
        decrypt(encrypt)


@pytest.mark.parametrize(
    "other", [SUITE_KEY[:-1], SUITE_KEY + "x", SUITE_KEY.upper(), "x" + SUITE_KEY, "other"]
)
def test_only_the_exact_owner_key_receives(other):
    encrypt = SIGNER.encrypt(SIGNER.frame(b"success", owner_key=other))

    with pytest.raises(WrongReceiver) as refusal:
        decrypt(encrypt)

    assert str(refusal.value) == "the message cannot be decrypted"


def test_a_frame_without_owner_key_has_no_receiver_not_even_an_empty_one():
    encrypt = SIGNER.encrypt(SIGNER.frame(b"success", owner_key=""))

    with pytest.raises(WrongReceiver):
        decrypt(encrypt, [SUITE_KEY, ""])


def test_with_several_owner_keys_the_one_inside_is_named():
    encrypt = SIGNER.encrypt(SIGNER.frame(b"hello"))

    assert decrypt(encrypt, ["first", SUITE_KEY, "last"]) == (b"hello", SUITE_KEY)


def test_a_random_part_of_another_size_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="16 random bytes"):
        encrypt_message(b"success", aes_key=AES_KEY, owner_key=SUITE_KEY, random16=b"short")


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "a" * 42 + "+", "钉" * 43]
)
def test_a_key_of_another_form_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match="exactly 43 characters") as refusal:
        decode_aes_key(text)

    assert not text or text not in str(refusal.value)
